package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/** {@code act(gate) * up} without a tensor for {@code act(gate)} that outlives the call. */
final class GatedActivation {

  private GatedActivation() {}

  static Tensor apply(Activation activation, Tensor gate, Tensor up) {
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(gate, up)) {
      Tensor y = activation.apply(gate).mulInPlace(up);
      Tensor keptGate = call.save(gate);
      Tensor keptUp = call.save(up);
      return scope.handOver(
          call.returns(
              y,
              (dy, inputs) -> {
                inputs.add(1, activation.apply(keptGate).mulInPlace(dy));
                inputs.add(0, activation.backward(dy.mul(keptUp), keptGate));
              }));
    }
  }
}
