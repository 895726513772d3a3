package io.github.lora4j.peft;

import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * A decomposition as two factors that share the singular values evenly: {@code scaling * B A = U
 * diag(S) Vh}.
 *
 * @param a {@code [r, in]}
 * @param b {@code [out, r]}
 */
record SplitProduct(Tensor a, Tensor b) {

  /**
   * Splits it.
   *
   * @param scaling positive
   */
  static SplitProduct of(LinearAlgebra.Svd parts, double scaling) {
    if (!(scaling > 0)) {
      throw new IllegalArgumentException(
          "the scaling loraAlpha / r must be positive to split a weight by it, found " + scaling);
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor root = parts.s().mul(1 / scaling).sqrt();
      Tensor a = parts.vh().mul(root.unsqueeze(1)).contiguous();
      Tensor b = parts.u().mul(root).contiguous();
      return new SplitProduct(scope.handOver(a), scope.handOver(b));
    }
  }
}
