package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;

/**
 * The arithmetic of DoRA (Liu et al., 2024): the rows of {@code W + scaling * B A} give directions,
 * a magnitude {@code m} for each row gives its length, {@code y = m / ‖W + scaling B A‖ (W +
 * scaling B A) x + bias}.
 *
 * <p>W is {@code [out, in]} of any floating dtype, A {@code [r, in]}, B {@code [out, r]}, the
 * magnitude {@code [out]}. An embedding {@code [vocab, hidden]} takes part as its transposed view,
 * as in PEFT: lengths belong to columns there.
 */
final class DoraUpdate {

  // Rows are taken in blocks that stay in the processor's cache: no second [out, in] is ever made.
  private static final long BLOCK = 1 << 18;

  // A row of zeros has no direction; this keeps it zero where a division would make it NaN.
  private static final double LEAST_NORM = Float.MIN_NORMAL;

  private DoraUpdate() {}

  /**
   * The lengths of the rows of {@code W + scaling * B A}: what a fresh magnitude is. No gradient
   * goes through them (section 4.3 of the paper).
   *
   * @return {@code [out]}, F32, at least the smallest normal number
   */
  static Tensor norm(Tensor weight, Tensor a, Tensor b, double scaling) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      long rows = weight.size(0);
      long step = Math.max(1, BLOCK / Math.max(1, weight.size(1)));
      Tensor norms = Tensor.empty(DType.F32, weight.device(), rows);
      for (long start = 0; start < rows; start += step) {
        long count = Math.min(step, rows - start);
        try (TensorScope block = TensorScope.open()) {
          Tensor sum = sum(weight.narrow(0, start, count), a, b.narrow(0, start, count), scaling);
          norms.narrow(0, start, count).copyInPlace(lengths(sum));
        }
      }
      return scope.handOver(norms);
    }
  }

  /**
   * The layer's output with the update, in the dtype of the base's output. Where nothing has been
   * learnt it is that output exactly.
   *
   * @param output {@code [..., out]}, the base's output, bias included
   * @param product {@code [..., out]}, {@code x Wᵀ} of the very input that the update sees: {@link
   *     #withoutBias} of the output, or where dropout acts, of a second pass of the base over the
   *     dropped input, while {@code output} stays undropped
   * @param x {@code [..., in]}, after dropout
   * @param magnitude {@code [out]}, learnt
   * @param norm {@code [out]}, of the weights as they are now
   */
  static Tensor forward(
      Tensor output,
      Tensor product,
      Tensor x,
      Tensor a,
      Tensor b,
      double scaling,
      Tensor magnitude,
      Tensor norm) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor factor = magnitude.div(norm.detach());
      Tensor thin = Functional.linear(x.to(a.dtype()), a).mul(scaling);
      Tensor update = Functional.linear(thin, b).mul(factor);
      Tensor sum = output.add(product.mul(factor.add(-1))).add(update);
      return scope.handOver(sum.to(output.dtype()));
    }
  }

  /**
   * What an embedding gives with the update.
   *
   * @param rows {@code [..., hidden]}, of the base
   * @param update {@code [..., hidden]}, {@code scaling * B} times the columns of A that the ids
   *     name
   * @param magnitude {@code [hidden]}, learnt
   * @param norm {@code [hidden]}, of the transposed weight
   */
  static Tensor embedding(Tensor rows, Tensor update, Tensor magnitude, Tensor norm) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor factor = magnitude.div(norm.detach());
      return scope.handOver(rows.mul(factor).add(update.mul(factor)).to(rows.dtype()));
    }
  }

  /** An output {@code [..., out]} less the bias that it was given. */
  static Tensor withoutBias(Tensor output, Optional<Tensor> bias) {
    return bias.isPresent() ? output.add(bias.get(), -1) : output;
  }

  /**
   * The weight that does the same without an adapter, computed in F32.
   *
   * @return {@code [out, in]}, in the weight's dtype
   */
  static Tensor mergedWeight(Tensor weight, Tensor a, Tensor b, double scaling, Tensor magnitude) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor sum = sum(weight, a, b, scaling);
      sum.mulInPlace(magnitude.div(lengths(sum)).unsqueeze(1));
      return scope.handOver(sum.to(weight.dtype()));
    }
  }

  /**
   * Takes a merged update out again; in half precision that is not exact.
   *
   * @param merged what {@link #mergedWeight} gave
   * @param norm {@link #norm} of the weight as it was before
   */
  static Tensor unmergedWeight(
      Tensor merged, Tensor a, Tensor b, double scaling, Tensor magnitude, Tensor norm) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor weight = merged.to(DType.F32).mul(norm.div(magnitude).unsqueeze(1));
      return scope.handOver(weight.addmmInPlace(b, a, -scaling).to(merged.dtype()));
    }
  }

  private static Tensor sum(Tensor weight, Tensor a, Tensor b, double scaling) {
    return b.matmul(a).mulInPlace(scaling).addInPlace(weight, 1);
  }

  private static Tensor lengths(Tensor sum) {
    return LinearAlgebra.norm(sum, 1).clamp(LEAST_NORM, Double.POSITIVE_INFINITY);
  }
}
