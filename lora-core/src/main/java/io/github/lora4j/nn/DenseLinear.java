package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepLinear;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/** A linear layer with a plain weight: {@code torch.nn.Linear}. */
public final class DenseLinear implements BiasedLinear {

  private final String name;
  private final Tensor stored; // as the checkpoint has it
  private final Tensor weight; // [out, in]: the same tensor, or a transposed view
  private final Optional<Tensor> bias;
  private final boolean inputFirst;

  /**
   * Takes ownership of the parameters.
   *
   * @param name the module's name in the checkpoint
   * @param weight {@code [out, in]}
   * @param bias {@code [out]}, where there is one
   */
  public DenseLinear(String name, Tensor weight, Optional<Tensor> bias) {
    this(name, weight, bias, false);
  }

  /** A view of another layer, which stays the owner of the weight. */
  private DenseLinear(String name, DenseLinear other, Optional<Tensor> bias) {
    this.name = name;
    this.stored = other.stored;
    this.weight = other.weight;
    this.bias = bias;
    this.inputFirst = other.inputFirst;
  }

  private DenseLinear(String name, Tensor stored, Optional<Tensor> bias, boolean inputFirst) {
    if (stored.dim() != 2) {
      throw new IllegalArgumentException(
          name
              + ".weight: expected "
              + (inputFirst ? "[in, out]" : "[out, in]")
              + ", found "
              + stored);
    }
    this.name = name;
    this.stored = stored;
    this.weight = inputFirst ? TensorScope.keep(stored.detach().transpose(0, 1)) : stored;
    this.bias = bias;
    this.inputFirst = inputFirst;
  }

  /**
   * A layer whose checkpoint stores the weight transposed: transformers' {@code Conv1D}. Takes
   * ownership of the parameters.
   *
   * @param weight {@code [in, out]}
   * @param bias {@code [out]}, where there is one
   */
  public static DenseLinear ofInputFirst(String name, Tensor weight, Optional<Tensor> bias) {
    return new DenseLinear(name, weight, bias, true);
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

  /**
   * The weight {@code [out, in]}, which stays this layer's; a view of the parameter where that is
   * {@link #isInputFirst stored transposed}.
   */
  public Tensor weight() {
    return weight;
  }

  @Override
  public Optional<Tensor> bias() {
    return bias;
  }

  @Override
  public DenseLinear withBias(Tensor other) {
    if (other.dim() != 1 || other.size(0) != outFeatures()) {
      throw new IllegalArgumentException(
          name + ".bias: expected [" + outFeatures() + "], found " + other);
    }
    return new DenseLinear(name, this, Optional.of(other));
  }

  @Override
  public DenseLinear renamed(String other) {
    return new DenseLinear(other, this, bias);
  }

  /** Whether the checkpoint stores the weight {@code [in, out]}: PEFT's {@code fan_in_fan_out}. */
  public boolean isInputFirst() {
    return inputFirst;
  }

  /**
   * A layer of the same name, bias and storage with another weight.
   *
   * @param other {@code [out, in]}, borrowed
   * @return the layer, for the caller to close
   */
  public DenseLinear withWeight(Tensor other) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor kept = inputFirst ? other.transpose(0, 1).contiguous() : other;
      return new DenseLinear(
          name,
          TensorScope.keep(kept.alias()),
          bias.map(b -> TensorScope.keep(b.alias())),
          inputFirst);
    }
  }

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    boolean frozen = !stored.requiresGrad();
    if (frozen && CustomFunction.available()) {
      return FrozenLinear.apply(x, weight, bias);
    }
    try (TensorScope scope = TensorScope.open()) {
      return scope.handOver(linear(x, frozen || !inputFirst ? weight : stored.transpose(0, 1)));
    }
  }

  @Override
  public Optional<StepLinear> step(StepPart part, int pieces) {
    return StepLinear.of(part, weight, bias, pieces);
  }

  private Tensor linear(Tensor x, Tensor by) {
    return bias.isPresent()
        ? Functional.linear(x, by, bias.get().to(by.dtype()))
        : Functional.linear(x, by);
  }

  @Override
  public DenseLinear share() {
    return new DenseLinear(
        name,
        TensorScope.keep(stored.alias()),
        bias.map(b -> TensorScope.keep(b.alias())),
        inputFirst);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    visitor.accept(name + ".weight", stored);
    bias.ifPresent(b -> visitor.accept(name + ".bias", b));
  }

  @Override
  public void close() {
    stored.close();
    if (inputFirst) {
      weight.close();
    }
    bias.ifPresent(Tensor::close);
  }
}
