package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * LoftQ (Li et al., 2023) on a weight that is quantized already: the adapter begins as the best
 * approximation of what quantizing lost.
 *
 * <p>PEFT leaves the scaling out, so that its adapter overshoots unless alpha equals r; here it is
 * divided out, which is the same where they are equal.
 */
final class LoftqInit {

  private LoftqInit() {}

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
