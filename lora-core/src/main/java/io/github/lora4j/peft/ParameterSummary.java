package io.github.lora4j.peft;

import io.github.lora4j.model.PreTrainedModel;
import io.github.lora4j.tensor.Tensor;
import java.util.Locale;

/** How much of a model learns, in PEFT's words. */
final class ParameterSummary {

  private ParameterSummary() {}

  static String of(PreTrainedModel model) {
    long trainable = model.trainableParameters().values().stream().mapToLong(Tensor::numel).sum();
    long all = model.parameterCount();
    return String.format(
        Locale.ROOT,
        "trainable params: %,d || all params: %,d || trainable%%: %.4f",
        trainable,
        all,
        100.0 * trainable / all);
  }
}
