package io.github.lora4j.peft;

import io.github.lora4j.nn.SharedGradient;
import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * The low-rank updates of all experts in one forward pass, each added to what its expert made of
 * its own rows.
 *
 * <p>PEFT keeps them in two matrices: A {@code [experts * r, in]}, one expert after another, and B
 * {@code [out, r * experts]}, in which the column of rank {@code i} and expert {@code e} is {@code
 * i * experts + e}.
 */
final class ExpertUpdate {

  private final LoraWeights weights;
  private final int experts;
  private final long r;
  private final double scaling;
  private final SharedGradient gradientOfA = new SharedGradient();
  private final SharedGradient gradientOfB = new SharedGradient();

  ExpertUpdate(LoraWeights weights, int experts, double scaling) {
    this.weights = weights;
    this.experts = experts;
    this.r = weights.a().size(0) / experts;
    this.scaling = scaling;
  }

  /** An expert's part of A, or of a gradient of it: a view {@code [r, in]}. */
  Tensor ofA(Tensor a, int expert) {
    return a.narrow(0, expert * r, r);
  }

  /** An expert's part of B, or of a gradient of it: a view {@code [out, r]}. */
  Tensor ofB(Tensor b, int expert) {
    return b.view(b.size(0), r, experts).select(2, expert);
  }

  /**
   * Adds {@code scaling * x Aᵀ Bᵀ}.
   *
   * @param y {@code [rows, out]}, overwritten where that is possible
   * @param x {@code [rows, in]}
   */
  Tensor add(Tensor y, Tensor x, int expert) {
    return CustomFunction.available() ? fused(y, x, expert) : plain(y, x, expert);
  }

  private Tensor plain(Tensor y, Tensor x, int expert) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor a = ofA(weights.a(), expert);
      Tensor thin = Functional.linear(x.to(a.dtype()), a).mul(scaling);
      Tensor delta = Functional.linear(thin, ofB(weights.b(), expert));
      return scope.handOver(y.add(delta).to(y.dtype()));
    }
  }

  private Tensor fused(Tensor y, Tensor x, int expert) {
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(y, x, weights.a(), weights.b())) {
      SharedGradient.Member memberOfA = gradientOfA.join();
      SharedGradient.Member memberOfB = gradientOfB.join();
      Tensor a = call.save(ofA(weights.a(), expert).to(y.dtype()));
      Tensor b = call.save(ofB(weights.b(), expert).to(y.dtype()).contiguous());
      Tensor keptX = call.save(x);
      Tensor thin = call.save(Functional.linear(x, a).mulInPlace(scaling)); // [rows, r]
      y.addmmInPlace(thin, b.transpose(0, 1), 1);
      return scope.handOver(
          call.returns(
              y.detach(),
              (dy, inputs) -> {
                Tensor dThin = dy.matmul(b).mulInPlace(scaling); // [rows, r]
                memberOfA.add(
                    inputs,
                    2,
                    () -> zerosLike(weights.a()),
                    all -> addProduct(ofA(all, expert), dThin.transpose(0, 1), keptX));
                memberOfB.add(
                    inputs,
                    3,
                    () -> zerosLike(weights.b()),
                    all -> addProduct(ofB(all, expert), dy.transpose(0, 1), thin));
                inputs.addProduct(1, dThin, a);
                inputs.pass(0, dy);
              }));
    }
  }

  private static void addProduct(Tensor sum, Tensor a, Tensor b) {
    sum.addInPlace(a.matmul(b).to(DType.F32), 1);
  }

  private static Tensor zerosLike(Tensor weight) {
    return Tensor.zeros(weight.dtype(), weight.device(), weight.shape());
  }
}
