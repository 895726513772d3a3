package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/** Experts with plain weights, one upon another as transformers holds them. */
public final class StackedLinear implements ExpertLinear {

  private final String name;
  private final Tensor weight; // [experts, out, in]

  /**
   * Takes ownership of the parameter.
   *
   * @param name the parameter's name
   * @param weight {@code [experts, out, in]}
   */
  public StackedLinear(String name, Tensor weight) {
    if (weight.dim() != 3) {
      throw new IllegalArgumentException(name + ": expected [experts, out, in], found " + weight);
    }
    this.name = name;
    this.weight = weight;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int experts() {
    return Math.toIntExact(weight.size(0));
  }

  @Override
  public int inFeatures() {
    return Math.toIntExact(weight.size(2));
  }

  @Override
  public int outFeatures() {
    return Math.toIntExact(weight.size(1));
  }

  @Override
  public DType dtype() {
    return weight.dtype();
  }

  @Override
  public Device device() {
    return weight.device();
  }

  /** The weights {@code [experts, out, in]}, which stay this layer's. */
  public Tensor weight() {
    return weight;
  }

  @Override
  public Pass open(ForwardContext context) {
    if (!weight.requiresGrad()) {
      return this::frozen;
    }
    SharedGradient gradient = new SharedGradient();
    return (expert, x) -> learning(expert, x, gradient);
  }

  private Tensor frozen(int expert, Tensor x) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor own = weight.select(0, expert);
      return scope.handOver(
          CustomFunction.available()
              ? FrozenLinear.apply(x, own, Optional.empty())
              : Functional.linear(x, own));
    }
  }

  private Tensor learning(int expert, Tensor x, SharedGradient gradient) {
    try (TensorScope scope = TensorScope.open()) {
      if (!CustomFunction.available()) {
        return scope.handOver(Functional.linear(x, weight.select(0, expert)));
      }
      try (CustomFunction call = CustomFunction.of(x, weight)) {
        SharedGradient.Member member = gradient.join();
        Tensor own = weight.select(0, expert);
        Tensor y = Functional.linear(x, own);
        Tensor keptX = call.save(x);
        Tensor kept = call.save(own);
        return scope.handOver(
            call.returns(
                y,
                (dy, inputs) -> {
                  inputs.addProduct(0, dy, kept);
                  member.add(
                      inputs,
                      1,
                      () -> Tensor.zeros(weight.dtype(), weight.device(), weight.shape()),
                      all -> all.select(0, expert).addmmInPlace(dy.transpose(0, 1), keptX, 1));
                }));
      }
    }
  }

  @Override
  public StackedLinear renamed(String other) {
    return new StackedLinear(other, weight);
  }

  @Override
  public StackedLinear share() {
    return new StackedLinear(name, TensorScope.keep(weight.alias()));
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    visitor.accept(name, weight);
  }

  @Override
  public void close() {
    weight.close();
  }
}
