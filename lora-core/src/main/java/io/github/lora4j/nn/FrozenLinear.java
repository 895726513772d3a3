package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;

/**
 * The product with a weight that doesn't learn, whatever its bias does: it keeps nothing but the
 * weight, and its gradient is added up in place where several projections read one input.
 */
final class FrozenLinear {

  private FrozenLinear() {}

  static Tensor apply(Tensor x, Tensor weight, Optional<Tensor> bias) {
    try (TensorScope scope = TensorScope.open();
        CustomFunction call =
            bias.isPresent() ? CustomFunction.of(x, bias.get()) : CustomFunction.of(x)) {
      Tensor y =
          bias.isPresent()
              ? Functional.linear(x, weight, bias.get().to(weight.dtype()))
              : Functional.linear(x, weight);
      Tensor kept = call.save(weight);
      return scope.handOver(
          call.returns(
              y,
              (dy, inputs) -> {
                if (bias.isPresent() && inputs.wanted(1)) {
                  inputs.add(1, sumOfRows(dy, bias.get().dtype()));
                }
                inputs.addProduct(0, dy, kept);
              }));
    }
  }

  private static Tensor sumOfRows(Tensor dy, DType dtype) {
    try (TensorScope scope = TensorScope.open()) {
      return scope.handOver(dy.reshape(-1, dy.size(-1)).to(dtype).sum(0, false));
    }
  }
}
