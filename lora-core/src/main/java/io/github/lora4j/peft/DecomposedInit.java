package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * Beginnings that take a part out of the base's weight, so that the adapter holds it: together they
 * do what the weight did. All is computed in F32 whatever the weight's dtype.
 */
final class DecomposedInit {

  private DecomposedInit() {}

  /**
   * PiSSA (Meng et al., 2024): the largest {@code r} singular values and vectors.
   *
   * @param module whose weight it is, for messages
   * @param weight {@code [out, in]}; what is given back has its dtype
   * @param scaling what the product is multiplied by in use, not 0
   */
  static InitialFactors pissa(String module, Tensor weight, int r, double scaling) {
    InitialFactors.requireRank(InitLoraWeights.PISSA, module, weight, r);
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      LinearAlgebra.Svd parts = LinearAlgebra.svd(weight.to(DType.F32));
      return pissa(weight, parts.first(r), scaling).handOver(scope);
    }
  }

  /**
   * The same approximately, by a randomized decomposition.
   *
   * @param iterations N of PEFT's {@code pissa_niter_N}
   * @param generator where the decomposition begins
   */
  static InitialFactors pissaNiter(
      String module, Tensor weight, int r, double scaling, int iterations, Generator generator) {
    InitialFactors.requireRank(InitLoraWeights.pissaNiter(iterations), module, weight, r);
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      LinearAlgebra.Svd parts =
          LinearAlgebra.svdLowRank(weight.to(DType.F32), r, iterations, generator);
      return pissa(weight, parts, scaling).handOver(scope);
    }
  }

  private static InitialFactors pissa(Tensor weight, LinearAlgebra.Svd parts, double scaling) {
    SplitProduct split = SplitProduct.of(parts, scaling);
    return InitialFactors.takenOutOf(weight, split.a(), split.b(), scaling);
  }

  /** OLoRA (Büyükakyüz, 2024): the first {@code r} columns of Q and rows of R of {@code W = QR}. */
  static InitialFactors olora(String module, Tensor weight, int r, double scaling) {
    InitialFactors.requireRank(InitLoraWeights.OLORA, module, weight, r);
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      LinearAlgebra.Qr parts = LinearAlgebra.qr(weight.to(DType.F32));
      Tensor a = parts.r().narrow(0, 0, r).copy().contiguous();
      Tensor b = parts.q().narrow(1, 0, r).copy().contiguous();
      return InitialFactors.takenOutOf(weight, a, b, scaling).handOver(scope);
    }
  }
}
