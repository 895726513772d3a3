package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Kernels;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * Root-mean-square normalisation with a weight that doesn't learn. It keeps its input, which the
 * block needs anyway, and one number a row; who reads its result on the way back gets it anew.
 */
final class FusedRmsNorm {

  private FusedRmsNorm() {}

  /**
   * Normalises.
   *
   * @param weight in the dtype of {@code x}, applied after rounding to it; or in float32, applied
   *     before
   */
  static Tensor apply(Tensor x, Tensor weight, double eps) {
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(x)) {
      long features = x.size(-1);
      Tensor norm = Kernels.rowNorm(x);
      Tensor inverse = norm.mul(norm).mulInPlace(1.0 / features).addInPlace(eps).rsqrt();
      Tensor y = normalised(x, inverse, weight);
      Tensor keptX = call.save(x);
      Tensor keptInverse = call.save(inverse);
      Tensor keptWeight = call.save(weight);
      return scope.handOver(
          call.returns(
              y,
              () -> normalised(keptX, keptInverse, keptWeight),
              (dy, inputs) -> inputs.add(0, gradient(dy, keptX, keptInverse, keptWeight))));
    }
  }

  private static Tensor normalised(Tensor x, Tensor inverse, Tensor weight) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor normalised =
          x.dtype() == DType.F32 ? x.mul(inverse) : x.to(DType.F32).mulInPlace(inverse);
      return scope.handOver(normalised.to(weight.dtype()).mulInPlace(weight).to(x.dtype()));
    }
  }

  /** {@code inverse * (w dy) - x * inverse³ * mean(x w dy)}, in float32. */
  private static Tensor gradient(Tensor dy, Tensor x, Tensor inverse, Tensor weight) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor wide = x.to(DType.F32);
      Tensor weighted =
          dy.dtype() == DType.F32
              ? dy.mul(weight)
              : dy.to(DType.F32).mulInPlace(weight.to(DType.F32));
      Tensor mean = weighted.mul(wide).sum(-1, true).mulInPlace(-1.0 / x.size(-1));
      Tensor share = mean.mulInPlace(inverse).mulInPlace(inverse).mulInPlace(inverse);
      Tensor dx = weighted.mulInPlace(inverse).addcmulInPlace(wide, share, 1);
      return scope.handOver(dx.to(x.dtype()));
    }
  }
}
