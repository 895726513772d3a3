package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;

/**
 * How one adapter begins, where that depends on more than its shape. The tensors are the caller's
 * scope's.
 *
 * @param a {@code [r, in]}, F32
 * @param b {@code [out, r]}, F32
 * @param weight {@code [out, in]}, what the base's weight is replaced by, in its dtype, where it
 *     changes
 */
record InitialFactors(Tensor a, Tensor b, Optional<Tensor> weight) {

  /** Factors beside a weight that stays as it is. */
  static InitialFactors beside(Tensor a, Tensor b) {
    return new InitialFactors(a, b, Optional.empty());
  }

  /** Factors whose product the weight gives up: it becomes {@code W - scaling * B A}. */
  static InitialFactors takenOutOf(Tensor weight, Tensor a, Tensor b, double scaling) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor left = b.matmul(a).mulInPlace(-scaling).addInPlace(weight, 1);
      return new InitialFactors(a, b, Optional.of(scope.handOver(left.to(weight.dtype()))));
    }
  }

  /** Hands the tensors of a scope to the one around it. */
  InitialFactors handOver(TensorScope scope) {
    scope.handOver(a);
    scope.handOver(b);
    weight.ifPresent(scope::handOver);
    return this;
  }

  /**
   * Throws unless a weight's decomposition has this rank.
   *
   * @param module whose weight it is
   */
  static void requireRank(InitLoraWeights how, String module, Tensor weight, int r) {
    if (weight.dim() != 2 || !isFloating(weight.dtype())) {
      throw new IllegalArgumentException(
          "%s: initLoraWeights \"%s\" decomposes a matrix of floating numbers, found %s"
              .formatted(module, how, weight));
    }
    long most = Math.min(weight.size(0), weight.size(1));
    if (r < 1 || r > most) {
      throw new IllegalArgumentException(
          ("%s: initLoraWeights \"%s\" takes r = %d directions out of a weight [%d, %d], which has"
                  + " %d: lower r, or give this module less in rankPattern")
              .formatted(module, how, r, weight.size(0), weight.size(1), most));
    }
  }

  private static boolean isFloating(DType dtype) {
    return switch (dtype) {
      case F32, F64, F16, BF16 -> true;
      default -> false;
    };
  }
}
