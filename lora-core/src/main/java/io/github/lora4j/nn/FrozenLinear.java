package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;

/**
 * The product with a weight that doesn't learn: it keeps nothing but the weight, and its gradient
 * is added up in place where several projections read one input.
 */
final class FrozenLinear {

  private FrozenLinear() {}

  static Tensor apply(Tensor x, Tensor weight, Optional<Tensor> bias) {
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(x)) {
      Tensor y =
          bias.isPresent()
              ? Functional.linear(x, weight, bias.get())
              : Functional.linear(x, weight);
      Tensor kept = call.save(weight);
      return scope.handOver(call.returns(y, (dy, inputs) -> inputs.addProduct(0, dy, kept)));
    }
  }
}
