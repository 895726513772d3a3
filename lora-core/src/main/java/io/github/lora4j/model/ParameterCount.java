package io.github.lora4j.model;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** What is done with all parameters of a model, quantized ones among them. */
final class ParameterCount {

  private ParameterCount() {}

  /** How many numbers parameters stand for; 4-bit codes lie in pairs, and PEFT counts them so. */
  static long of(Collection<Tensor> parameters) {
    return parameters.stream()
        .mapToLong(p -> p.dtype() == DType.U8 ? 2 * p.numel() : p.numel())
        .sum();
  }

  /** Makes all learn, or freezes them. */
  static void requiresGrad(Map<String, Tensor> parameters, boolean required) {
    if (required) {
      parameters.forEach(ParameterCount::requireFloating);
    }
    parameters.values().stream()
        .filter(parameter -> parameter.dtype().isFloatingPoint())
        .forEach(parameter -> parameter.requiresGrad(required));
  }

  /**
   * Makes some learn and freezes all others.
   *
   * @throws IllegalArgumentException if none learn, since that is no training
   */
  static void requiresGrad(Map<String, Tensor> parameters, Predicate<String> learning) {
    List<String> chosen = parameters.keySet().stream().filter(learning).toList();
    if (chosen.isEmpty()) {
      throw new IllegalArgumentException(
          "learning: expected to choose some of "
              + parameters.size()
              + " parameters, such as "
              + parameters.keySet().iterator().next()
              + ", found that it chooses none");
    }
    chosen.forEach(name -> requireFloating(name, parameters.get(name)));
    parameters.forEach(
        (name, parameter) -> {
          if (parameter.dtype().isFloatingPoint()) {
            parameter.requiresGrad(learning.test(name));
          }
        });
  }

  private static void requireFloating(String name, Tensor parameter) {
    if (!parameter.dtype().isFloatingPoint()) {
      throw new IllegalStateException(
          name
              + " is quantized and can't learn: put an adapter around the model with"
              + " PeftModel.wrap, or load the model without quantization.");
    }
  }
}
