package io.github.lora4j.model;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import java.util.Collection;
import java.util.Map;

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

  private static void requireFloating(String name, Tensor parameter) {
    if (!parameter.dtype().isFloatingPoint()) {
      throw new IllegalStateException(
          name
              + " is quantized and can't learn: put an adapter around the model with"
              + " PeftModel.wrap, or load the model without quantization.");
    }
  }
}
