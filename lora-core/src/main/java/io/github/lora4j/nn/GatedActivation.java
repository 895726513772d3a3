package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.Kernels;
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
              () -> activation.apply(keptGate).mulInPlace(keptUp),
              (dy, inputs) -> {
                inputs.add(1, activation.apply(keptGate).mulInPlace(dy));
                inputs.add(0, activation.backward(dy.mul(keptUp), keptGate));
              }));
    }
  }

  /**
   * The same with gate and up side by side.
   *
   * @param both {@code [..., 2 * n]}, the gate first
   * @return {@code [..., n]}
   */
  static Tensor applyToHalves(Activation activation, Tensor both) {
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(both)) {
      long n = both.size(-1) / 2;
      Tensor kept = call.save(both);
      return scope.handOver(
          call.returns(
              product(activation, both, n),
              () -> product(activation, kept, n),
              (dy, inputs) -> {
                Tensor gate = kept.narrow(-1, 0, n);
                Tensor up = kept.narrow(-1, n, n);
                Tensor gradient = Tensor.empty(dy.dtype(), dy.device(), kept.shape());
                Kernels.mulInto(gradient.narrow(-1, n, n), activation.apply(gate), dy);
                gradient.narrow(-1, 0, n).copyInPlace(activation.backward(dy.mul(up), gate));
                inputs.add(0, gradient);
              }));
    }
  }

  private static Tensor product(Activation activation, Tensor both, long n) {
    return activation.apply(both.narrow(-1, 0, n)).mulInPlace(both.narrow(-1, n, n));
  }
}
