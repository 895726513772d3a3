package io.github.lora4j.peft;

import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * A linear layer of which a float32 copy is trained whole: one of {@code modules_to_save}.
 *
 * @param original borrowed, and unchanged
 * @param copy the parameters by their names, as the checkpoint stores them; owned
 */
record WholeLinear(DenseLinear original, Map<String, Tensor> copy) implements LinearLayer {

  @Override
  public String name() {
    return original.name();
  }

  @Override
  public int inFeatures() {
    return original.inFeatures();
  }

  @Override
  public int outFeatures() {
    return original.outFeatures();
  }

  @Override
  public DType dtype() {
    return original.dtype();
  }

  @Override
  public Device device() {
    return original.device();
  }

  private Tensor stored() {
    return copy.get(name() + ".weight");
  }

  private Optional<Tensor> bias() {
    return Optional.ofNullable(copy.get(name() + ".bias"));
  }

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor cast = stored().to(x.dtype());
      Tensor weight = original.isInputFirst() ? cast.transpose(0, 1) : cast;
      Optional<Tensor> bias = bias();
      return scope.handOver(
          bias.isPresent()
              ? Functional.linear(x, weight, bias.get().to(x.dtype()))
              : Functional.linear(x, weight));
    }
  }

  /** A dense layer with what was learnt, in the original's dtype, for the caller to close. */
  DenseLinear unloaded(boolean safe) {
    Tensor weight = Unloaded.parameter(name() + ".weight", stored(), dtype(), safe);
    Optional<Tensor> bias = bias().map(b -> Unloaded.parameter(name() + ".bias", b, dtype(), safe));
    return original.isInputFirst()
        ? DenseLinear.ofInputFirst(name(), weight, bias)
        : new DenseLinear(name(), weight, bias);
  }

  /** Refused: an adapter has one owner. */
  @Override
  public LinearLayer share() {
    throw new UnsupportedOperationException(
        name() + ": a layer of an adapter can't be shared; merge it first.");
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    original.forEachParameter(visitor);
    copy.forEach(
        (name, tensor) ->
            visitor.accept(name() + ".modules_to_save" + name.substring(name().length()), tensor));
  }

  @Override
  public void close() {
    copy.values().forEach(Tensor::close);
  }
}
