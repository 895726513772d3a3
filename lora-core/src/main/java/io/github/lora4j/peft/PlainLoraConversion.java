package io.github.lora4j.peft;

import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;
import java.util.Optional;

/**
 * An adapter whose beginning was taken out of the base's weight, turned into one for the original
 * base: {@code B A - B0 A0 = [B | -B0] [A ; A0]} has twice the rank; PEFT's {@code
 * path_initial_model_for_weight_conversion}.
 */
final class PlainLoraConversion {

  private PlainLoraConversion() {}

  /**
   * A over A0.
   *
   * @param a {@code [r, in]}, trained
   * @param first {@code [r, in]}, as it began
   * @return {@code [2 r, in]}
   */
  static Tensor a(Tensor a, Tensor first) {
    try (NoGrad noGrad = NoGrad.open()) {
      return Tensor.cat(List.of(a, first), 0);
    }
  }

  /**
   * B beside -B0.
   *
   * @param b {@code [out, r]}, trained
   * @param first {@code [out, r]}, as it began
   * @return {@code [out, 2 r]}
   */
  static Tensor b(Tensor b, Tensor first) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      return scope.handOver(Tensor.cat(List.of(b, first.neg()), 1));
    }
  }

  /**
   * An update with its beginning in it.
   *
   * @param start zero where nothing was taken out of the base: the rank is doubled all the same
   */
  static LoraWeights of(LoraWeights weights, Optional<LoraWeights> start) {
    Tensor a = start.map(LoraWeights::a).orElseGet(() -> weights.a().detach().mul(0));
    Tensor b = start.map(LoraWeights::b).orElseGet(() -> weights.b().detach().mul(0));
    return new LoraWeights(
        a(weights.a(), a), b(weights.b(), b), weights.bias(), weights.magnitude());
  }

  /** The rank that goes with it; entries of {@code rankPattern} alike. */
  static int rank(int r) {
    return Math.multiplyExact(2, r);
  }

  /**
   * The alpha that leaves the scaling as it was; entries of {@code alphaPattern} alike (which PEFT
   * doubles even under rsLoRA).
   */
  static double alpha(double alpha, boolean rslora) {
    return alpha * (rslora ? Math.sqrt(2) : 2);
  }
}
