package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.UnaryOperator;

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

  // Rows that are widened to F32 are taken in blocks that stay in the processor's cache.
  private static final long BLOCK = 1 << 18;

  // A row of zeros has no direction; this keeps it zero where a division would make it NaN.
  private static final double LEAST_NORM = Float.MIN_NORMAL;

  // Squares that cancel to less than this share of themselves have lost too many digits.
  private static final double LEAST_SHARE = 0.05;

  private DoraUpdate() {}

  /**
   * The lengths of the rows of {@code W + scaling * B A}: what a fresh magnitude is. No gradient
   * goes through them (section 4.3 of the paper).
   *
   * @return {@code [out]}, F32, at least the smallest normal number
   */
  static Tensor norm(Tensor weight, Tensor a, Tensor b, double scaling) {
    try (TensorScope scope = TensorScope.open()) {
      return scope.handOver(norm(weight, rowSquares(weight), a, b, scaling));
    }
  }

  /**
   * The same where the squares of the base are known: {@code ‖w + sΔ‖² = ‖w‖² + 2s w·Δ + s²‖Δ‖²}
   * with {@code w·Δ} out of {@code W Aᵀ}, so that no {@code [out, in]} is made and W is read once.
   * Where these terms cancel, the sum itself is made after all.
   *
   * @param rowSquares {@link #rowSquares} of the weight
   */
  static Tensor norm(Tensor weight, Tensor rowSquares, Tensor a, Tensor b, double scaling) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor crossed = b.mul(timesTransposed(weight, a)).sum(1, false);
      Tensor own = b.mul(b.matmul(a.matmul(a.transpose(0, 1)))).sum(1, false);
      Tensor apart = rowSquares.add(own, scaling * scaling);
      Tensor squares = apart.add(crossed, 2 * scaling);
      boolean cancelled = !squares.add(apart, -LEAST_SHARE).ge(0).all();
      return scope.handOver(
          cancelled
              ? lengths(sum(weight, a, b, scaling))
              : squares.sqrt().clamp(LEAST_NORM, Double.POSITIVE_INFINITY));
    }
  }

  /**
   * The squared lengths of the rows of a weight.
   *
   * @return {@code [out]}, F32
   */
  static Tensor rowSquares(Tensor weight) {
    Tensor squares = Tensor.empty(DType.F32, weight.device(), weight.size(0));
    inBlocks(weight, squares, rows -> LinearAlgebra.norm(rows, 1).square());
    return squares;
  }

  /** {@code W Aᵀ}, {@code [out, r]}, in F32. */
  private static Tensor timesTransposed(Tensor weight, Tensor a) {
    Tensor columns = a.transpose(0, 1);
    if (weight.dtype() == DType.F32) {
      return weight.matmul(columns);
    }
    Tensor product = Tensor.empty(DType.F32, weight.device(), weight.size(0), a.size(0));
    inBlocks(weight, product, rows -> rows.matmul(columns));
    return product;
  }

  private static void inBlocks(Tensor weight, Tensor result, UnaryOperator<Tensor> ofRows) {
    long rows = weight.size(0);
    long step = Math.max(1, BLOCK / Math.max(1, weight.size(1)));
    for (long start = 0; start < rows; start += step) {
      long count = Math.min(step, rows - start);
      try (TensorScope block = TensorScope.open();
          NoGrad noGrad = NoGrad.open()) {
        Tensor part = ofRows.apply(weight.narrow(0, start, count).to(DType.F32));
        result.narrow(0, start, count).copyInPlace(part);
      }
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
      Tensor factor = magnitude.div(norm(weight, a, b, scaling));
      Tensor sum = sum(weight, a, b, scaling).mulInPlace(factor.unsqueeze(1));
      return scope.handOver(sum.to(weight.dtype()));
    }
  }

  private static Tensor sum(Tensor weight, Tensor a, Tensor b, double scaling) {
    return b.matmul(a).mulInPlace(scaling).addInPlace(weight, 1);
  }

  private static Tensor lengths(Tensor sum) {
    return LinearAlgebra.norm(sum, 1).clamp(LEAST_NORM, Double.POSITIVE_INFINITY);
  }
}
