package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepMlp;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Kernels;
import io.github.lora4j.tensor.RowMath;
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

  /** The same function of single numbers. */
  StepMlp.FloatFunction step() {
    return switch (this) {
      case SILU -> x -> x / (1 + RowMath.exp(-x));
      case RELU -> x -> Math.max(x, 0);
      case GELU_TANH -> Activation::geluTanh;
      case GELU -> x -> (float) (x / 2 * (1 + erf(x / Math.sqrt(2))));
    };
  }

  /** Within 1.5e-7 (Abramowitz and Stegun, 7.1.26). */
  private static double erf(double x) {
    double t = 1 / (1 + 0.3275911 * Math.abs(x));
    double series =
        t
            * (0.254829592
                + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return Math.copySign(1 - series * Math.exp(-x * x), x);
  }

  private static float geluTanh(float x) {
    double inner = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
    return (float) (0.5 * x * (1 + Math.tanh(inner)));
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
