package io.github.lora4j.peft;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.Supplier;

/**
 * A low-rank update as two thin products, the second added to the base's output where it lies.
 *
 * <p>Both run in the base's dtype: the float32 matrices are rounded, which is cheap, rather than
 * the activations widened. In bfloat16 that differs from PEFT by the rounding of A, B and the thin
 * product; the matrices themselves and what is learnt of them stay float32.
 */
final class FusedUpdate {

  private static final int FEW_ROWS = 16;

  private FusedUpdate() {}

  /**
   * Adds {@code scaling * x Aᵀ Bᵀ}.
   *
   * @param y {@code [..., out]}, overwritten
   * @param x {@code [..., in]}
   * @return the sum, in the memory of {@code y}
   */
  static Tensor add(Tensor y, Tensor x, LoraWeights update, double scaling) {
    if (isForFewRows(x)) {
      return addFewRows(y, x, update, scaling);
    }
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(y, x, update.a(), update.b())) {
      DType dtype = y.dtype();
      Tensor a = call.save(update.a().to(dtype)); // [r, in]
      Tensor b = call.save(update.b().to(dtype)); // [out, r]
      Supplier<Tensor> keptX = call.saveInput(1);
      // The scaling goes to the thin side: r numbers a row instead of outFeatures.
      Tensor thin = call.save(Functional.linear(rows(x), a).mulInPlace(scaling)); // [n, r]
      // A view, not rows(y): a copy of it would take the sum in vain.
      y.view(-1, y.size(-1)).addmmInPlace(thin, b.transpose(0, 1), 1);
      return scope.handOver(
          call.returns(
              y.detach(),
              (dy, inputs) -> {
                Tensor dRows = rows(dy);
                Tensor dThin = dRows.matmul(b).mulInPlace(scaling); // [n, r]
                if (inputs.wanted(2)) {
                  inputs.add(2, dThin.transpose(0, 1).matmul(rows(keptX.get())).to(DType.F32));
                }
                if (inputs.wanted(3)) {
                  inputs.add(3, dRows.transpose(0, 1).matmul(thin).to(DType.F32));
                }
                inputs.addProduct(1, dThin, a);
                inputs.pass(0, dy);
              }));
    }
  }

  /** Whether there are few rows and no way back, as in decoding: matrices are better left alone. */
  static boolean isForFewRows(Tensor x) {
    return !NoGrad.gradEnabled() && x.numel() <= (long) FEW_ROWS * x.size(-1);
  }

  /** For few rows, as in decoding, it is cheaper to widen them than to round the matrices. */
  private static Tensor addFewRows(Tensor y, Tensor x, LoraWeights update, double scaling) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor thin = Functional.linear(x.to(DType.F32), update.a());
      return y.addInPlace(Functional.linear(thin, update.b()), scaling);
    }
  }

  /** All but the last dimension as one. */
  static Tensor rows(Tensor x) {
    return x.reshape(-1, x.size(-1));
  }
}
