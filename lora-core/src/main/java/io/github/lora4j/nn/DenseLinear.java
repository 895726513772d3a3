package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/** A linear layer with a plain weight: {@code torch.nn.Linear}. */
public final class DenseLinear implements LinearLayer {

  private final String name;
  private final Tensor weight;
  private final Optional<Tensor> bias;

  /**
   * Takes ownership of the parameters.
   *
   * @param name the module's name in the checkpoint
   * @param weight {@code [out, in]}
   * @param bias {@code [out]}, where there is one
   */
  public DenseLinear(String name, Tensor weight, Optional<Tensor> bias) {
    if (weight.dim() != 2) {
      throw new IllegalArgumentException(name + ".weight: expected [out, in], found " + weight);
    }
    this.name = name;
    this.weight = weight;
    this.bias = bias;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int inFeatures() {
    return Math.toIntExact(weight.size(1));
  }

  @Override
  public int outFeatures() {
    return Math.toIntExact(weight.size(0));
  }

  @Override
  public DType dtype() {
    return weight.dtype();
  }

  @Override
  public Device device() {
    return weight.device();
  }

  /** The weight {@code [out, in]}, which stays this layer's. */
  public Tensor weight() {
    return weight;
  }

  /** The bias {@code [out]}, which stays this layer's. */
  public Optional<Tensor> bias() {
    return bias;
  }

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    if (CustomFunction.available() && !learns()) {
      return FrozenLinear.apply(x, weight, bias);
    }
    return bias.isPresent()
        ? Functional.linear(x, weight, bias.get())
        : Functional.linear(x, weight);
  }

  private boolean learns() {
    return weight.requiresGrad() || bias.map(Tensor::requiresGrad).orElse(false);
  }

  @Override
  public DenseLinear share() {
    return new DenseLinear(
        name, TensorScope.keep(weight.alias()), bias.map(b -> TensorScope.keep(b.alias())));
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    visitor.accept(name + ".weight", weight);
    bias.ifPresent(b -> visitor.accept(name + ".bias", b));
  }

  @Override
  public void close() {
    weight.close();
    bias.ifPresent(Tensor::close);
  }
}
