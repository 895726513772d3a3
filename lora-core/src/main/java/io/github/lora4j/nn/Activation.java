package io.github.lora4j.nn;

import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Kernels;
import io.github.lora4j.tensor.Tensor;
import java.util.Optional;

/** The elementwise functions of MLPs, by the names of {@code hidden_act} in {@code config.json}. */
public enum Activation {
  /** {@code x * sigmoid(x)}: {@code silu}, {@code swish}. */
  SILU,
  /** The exact Gaussian error linear unit: {@code gelu}. */
  GELU,
  /** Its approximation by tanh: {@code gelu_new}, {@code gelu_pytorch_tanh}, {@code gelu_fast}. */
  GELU_TANH,
  /** {@code max(x, 0)}: {@code relu}. */
  RELU;

  /** Finds an activation by its name in {@code config.json}. */
  public static Optional<Activation> byName(String name) {
    return switch (name) {
      case "silu", "swish" -> Optional.of(SILU);
      case "gelu" -> Optional.of(GELU);
      case "gelu_new", "gelu_pytorch_tanh", "gelu_fast" -> Optional.of(GELU_TANH);
      case "relu" -> Optional.of(RELU);
      default -> Optional.empty();
    };
  }

  /** The names that {@link #byName} knows, for messages. */
  public static String knownNames() {
    return "silu, swish, gelu, gelu_new, gelu_pytorch_tanh, gelu_fast or relu";
  }

  /** Applies the function. */
  public Tensor apply(Tensor x) {
    return switch (this) {
      case SILU -> Functional.silu(x);
      case GELU -> Functional.gelu(x);
      case GELU_TANH -> Functional.geluTanh(x);
      case RELU -> Functional.relu(x);
    };
  }

  /**
   * The gradient of the function's argument.
   *
   * @param dy the gradient of its result
   * @param x the argument
   */
  Tensor backward(Tensor dy, Tensor x) {
    return switch (this) {
      case SILU -> Kernels.siluBackward(dy, x);
      case GELU -> Kernels.geluBackward(dy, x);
      case GELU_TANH -> Kernels.geluTanhBackward(dy, x);
      case RELU -> Kernels.reluBackward(dy, x);
    };
  }
}
