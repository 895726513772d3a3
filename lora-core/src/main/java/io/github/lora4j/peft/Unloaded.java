package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/** Parameters of a plain model, made from those of an adapter. */
final class Unloaded {

  private Unloaded() {}

  /**
   * A copy in the model's dtype, for the caller to close.
   *
   * @param safe whether to refuse numbers that are not finite
   * @throws LoraException naming the parameter
   */
  static Tensor parameter(String name, Tensor learnt, DType dtype, boolean safe) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor copy = learnt.detach().to(dtype).copy();
      if (safe && !copy.isFinite().all()) {
        throw new LoraException(
            name
                + ": the merged weight holds NaN or infinite numbers; the adapter is damaged or its"
                + " training diverged.");
      }
      return TensorScope.keep(copy);
    }
  }
}
