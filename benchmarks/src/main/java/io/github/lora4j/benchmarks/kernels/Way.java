package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Plain;
import io.github.lora4j.tensor.Tape;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;
import java.util.function.Supplier;

/** How a kernel is computed. */
public enum Way {
  /** With functions whose gradients are written by hand, as training does. */
  FUSED,
  /** As the composition of single operations, with gradients of libtorch's. */
  PLAIN;

  /** Computes without gradients. */
  void forward(Supplier<Tensor> kernel) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      compute(kernel);
    }
  }

  /**
   * Computes and goes back.
   *
   * @param gradient of the result
   * @param leaves whose gradients are forgotten again
   */
  void forwardAndBackward(Supplier<Tensor> kernel, Tensor gradient, List<Tensor> leaves) {
    try (TensorScope scope = TensorScope.open()) {
      if (this == FUSED) {
        try (Tape tape = Tape.open()) {
          tape.backward(compute(kernel), gradient);
        }
      } else {
        Functional.backward(compute(kernel), gradient);
      }
    }
    leaves.forEach(Tensor::clearGrad);
  }

  private Tensor compute(Supplier<Tensor> kernel) {
    if (this == FUSED) {
      return kernel.get();
    }
    try (Plain plain = Plain.open()) {
      return kernel.get();
    }
  }
}
