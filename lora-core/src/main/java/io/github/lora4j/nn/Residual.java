package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.Kernels;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/** The sum of what came into a block and what a part of it made of that. */
public final class Residual {

  private Residual() {}

  /** Adds two tensors of one shape; both get the very gradient of the sum, without a copy. */
  public static Tensor add(Tensor x, Tensor part) {
    if (!CustomFunction.available()) {
      return x.add(part);
    }
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(x, part)) {
      return scope.handOver(
          call.returns(
              sum(x, part),
              (dy, inputs) -> {
                inputs.pass(0, dy);
                inputs.pass(1, dy);
              }));
    }
  }

  private static Tensor sum(Tensor x, Tensor part) {
    if (x.dtype() != part.dtype()) {
      return x.add(part);
    }
    Tensor sum = Tensor.empty(x.dtype(), x.device(), x.shape());
    Kernels.addInto(sum, x, part);
    return sum;
  }
}
