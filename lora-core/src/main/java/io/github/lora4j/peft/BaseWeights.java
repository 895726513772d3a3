package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.BiasedLinear;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What adapters that look at the base's weights need of linear layers of any form. */
final class BaseWeights {

  private BaseWeights() {}

  /**
   * The weight that a layer multiplies by.
   *
   * @return {@code [out, in]}: the layer's own, or, of a quantized layer, one made in the caller's
   *     scope, float32
   * @throws LoraException if the layer has no such weight
   */
  static Tensor weight(LinearLayer layer) {
    if (layer instanceof DenseLinear dense) {
      return dense.weight();
    }
    if (layer instanceof QuantizedLinear quantized) {
      return quantized.denseWeight(DType.F32);
    }
    throw new LoraException(
        layer.name()
            + ": expected a dense or quantized weight, found "
            + layer.getClass().getSimpleName());
  }

  /**
   * The same as PEFT decodes it where an adapter begins with it: a quantized weight is rounded to
   * the dtype that it was coded from.
   *
   * @return {@code [out, in]}: the layer's own, or, of a quantized layer, one made in the caller's
   *     scope, float32
   */
  static Tensor decoded(LinearLayer layer) {
    if (!(layer instanceof QuantizedLinear few)) {
      return weight(layer);
    }
    try (TensorScope scope = TensorScope.open()) {
      return scope.handOver(few.denseWeight(few.decodedDtype()).to(DType.F32));
    }
  }

  /** What a layer's weight is held in: the same object as long as the layer has this weight. */
  static Object identity(LinearLayer layer) {
    List<Tensor> held = new ArrayList<>();
    layer.forEachParameter((name, tensor) -> held.add(tensor));
    return held.get(0); // the weight comes before the bias
  }

  /** The bias {@code [out]} of a layer, which stays the layer's. */
  static Optional<Tensor> bias(LinearLayer layer) {
    if (layer instanceof BiasedLinear biased) {
      return biased.bias();
    }
    return layer instanceof QuantizedLinear quantized ? quantized.bias() : Optional.empty();
  }
}
