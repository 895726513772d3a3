package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.model.LinearShape;
import io.github.lora4j.model.Quantization;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * LoftQ (Li et al., 2023): the adapter begins as the best approximation of what quantizing the
 * base's weight loses.
 *
 * <p>PEFT leaves the scaling out, so that its adapter overshoots unless alpha equals r; here it is
 * divided out, which is the same where they are equal. What the weight is rounded to doesn't depend
 * on the scaling, so that files go both ways all the same.
 */
final class LoftqInit {

  private final LoftQConfig config;
  private final Map<Place, Quantization.Layers> layers = new HashMap<>();

  /** Layers that can share memory to decode in. */
  private record Place(DType dtype, Device device) {}

  LoftqInit(LoftQConfig config) {
    this.config = config;
  }

  /**
   * What an adapter begins with on a weight that isn't quantized.
   *
   * @param layer the base's, with the rounded weight, held as codes; the caller's to close
   * @param factors A and B
   */
  record Rounded(QuantizedLinear layer, InitialFactors factors) {}

  /**
   * Rounds a dense weight, and fits the factors to what is lost, in turn: PEFT's {@code
   * loftq_init}. The factors are the caller's scope's.
   *
   * @throws IllegalArgumentException if the weight doesn't have the rank, or isn't finite
   * @throws LoraException if the layer is quantized already
   * @throws io.github.lora4j.error.UnsupportedModelException if lora-quant is missing
   */
  Rounded of(LinearLayer layer, int r, double scaling) {
    Tensor weight = dense(layer).weight();
    InitialFactors.requireRank(InitLoraWeights.LOFTQ, layer.name(), weight, r);
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor exact = weight.to(DType.F32);
      QuantizedLinear rounded = rounded(layer, exact, r);
      try {
        SplitProduct split = lost(exact, rounded.denseWeight(DType.F32), r, scaling);
        return new Rounded(rounded, InitialFactors.beside(split.a(), split.b()).handOver(scope));
      } catch (RuntimeException | Error e) {
        rounded.close();
        throw e;
      }
    }
  }

  /** The rounded layer alone, for an adapter whose factors are there; the caller's to close. */
  QuantizedLinear rounded(LinearLayer layer, int r) {
    Tensor weight = dense(layer).weight();
    InitialFactors.requireRank(InitLoraWeights.LOFTQ, layer.name(), weight, r);
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      return rounded(layer, weight.to(DType.F32), r);
    }
  }

  private QuantizedLinear rounded(LinearLayer layer, Tensor exact, int r) {
    QuantizedLinear rounded = quantize(layer, exact);
    for (int round = 1; round < config.loftqIter(); round++) {
      try (TensorScope scope = TensorScope.open();
          QuantizedLinear before = rounded) {
        SplitProduct split = lost(exact, before.denseWeight(DType.F32), r, 1);
        rounded = quantize(layer, exact.add(split.b().matmul(split.a()), -1));
      }
    }
    return rounded;
  }

  private QuantizedLinear quantize(LinearLayer layer, Tensor weight) {
    LinearShape shape =
        new LinearShape(
            layer.name(),
            layer.outFeatures(),
            layer.inFeatures(),
            dense(layer).isInputFirst(),
            false);
    Optional<Tensor> bias = BaseWeights.bias(layer).map(b -> TensorScope.keep(b.alias()));
    try {
      return layers
          .computeIfAbsent(new Place(layer.dtype(), layer.device()), this::open)
          .quantize(shape, weight.to(Device.CPU).contiguous(), bias);
    } catch (RuntimeException | Error e) {
      bias.ifPresent(Tensor::close);
      throw e;
    }
  }

  private Quantization.Layers open(Place place) {
    return Quantization.of("initLoraWeights \"loftq\"", config.quantizationConfig(place.dtype))
        .open(place.dtype, place.device);
  }

  private static DenseLinear dense(LinearLayer layer) {
    if (layer instanceof DenseLinear dense) {
      return dense;
    }
    throw new LoraException(
        layer.name()
            + ": initLoraWeights \"loftq\" rounds a dense weight itself, but found "
            + (layer instanceof QuantizedLinear
                ? "one that is quantized already: load the base dense; or begin as by default and"
                    + " call LoftqWeights.replace. An adapter that was trained with the rounded"
                    + " base as it is saved is a plain one there: set \"init_lora_weights\" to true"
                    + " in its adapter_config.json"
                : layer.getClass().getSimpleName()));
  }

  /**
   * The factors for a weight that is quantized already: PEFT's {@code replace_lora_weights_loftq}.
   *
   * @param weight {@code [out, in]}, before quantization
   * @param quantized the same, dequantized
   */
  static InitialFactors replacing(
      String module, Tensor weight, Tensor quantized, int r, double scaling) {
    InitialFactors.requireRank(InitLoraWeights.LOFTQ, module, weight, r);
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      SplitProduct split = lost(weight.to(DType.F32), quantized, r, scaling);
      return InitialFactors.beside(split.a(), split.b()).handOver(scope);
    }
  }

  private static SplitProduct lost(Tensor exact, Tensor quantized, int r, double scaling) {
    return SplitProduct.of(
        LinearAlgebra.svd(exact.add(quantized.to(DType.F32), -1)).first(r), scaling);
  }
}
