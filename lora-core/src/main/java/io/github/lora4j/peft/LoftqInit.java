package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;

/**
 * LoftQ (Li et al., 2023): the adapter begins as the best approximation of what quantizing the
 * weight loses, and the weight is quantized knowing that: both alternate.
 *
 * <p>PEFT leaves the scaling out, so that its adapter overshoots unless alpha equals r; here it is
 * divided out, which is the same where they are equal.
 */
final class LoftqInit {

  private LoftqInit() {}

  /**
   * Alternates quantization and singular value decomposition.
   *
   * @param module whose weight it is, for messages
   * @param weight {@code [out, in]}, before quantization
   * @param scaling what the product is multiplied by in use, positive
   * @param iterations at least 1; more come closer
   * @return with the quantized weight, dequantized, in the weight's dtype
   */
  static InitialFactors of(
      String module, Tensor weight, int r, double scaling, int iterations, Requantize requantize) {
    InitialFactors.requireRank(InitLoraWeights.LOFTQ, module, weight, r);
    if (iterations < 1) {
      throw new IllegalArgumentException("loftqIter: expected at least 1, found " + iterations);
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor exact = weight.to(DType.F32);
      Tensor rest = exact;
      for (int i = 1; ; i++) {
        Tensor quantized = requantize.apply(rest).to(DType.F32);
        SplitProduct split = lost(exact, quantized, r, scaling);
        if (i == iterations) {
          Tensor back = quantized.to(weight.dtype());
          return new InitialFactors(split.a(), split.b(), Optional.of(back)).handOver(scope);
        }
        rest = split.b().matmul(split.a()).mulInPlace(-scaling).addInPlace(exact, 1);
      }
    }
  }

  /**
   * The factors for a weight that is quantized already: PEFT's {@code replace_lora_weights_loftq}.
   *
   * @param weight {@code [out, in]}, before quantization
   * @param quantized the same, dequantized
   */
  static InitialFactors replacing(
      String module, Tensor weight, Tensor quantized, int r, double scaling) {
    InitialFactors.requireRank(InitLoraWeights.LOFTQ, module, weight, r);
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      SplitProduct split = lost(weight.to(DType.F32), quantized, r, scaling);
      return InitialFactors.beside(split.a(), split.b()).handOver(scope);
    }
  }

  private static SplitProduct lost(Tensor exact, Tensor quantized, int r, double scaling) {
    return SplitProduct.of(
        LinearAlgebra.svd(exact.add(quantized.to(DType.F32), -1)).first(r), scaling);
  }
}
