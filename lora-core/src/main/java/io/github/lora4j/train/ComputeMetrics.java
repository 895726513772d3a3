package io.github.lora4j.train;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import java.util.Map;

/** Computes numbers of an evaluation beyond its loss: transformers' {@code compute_metrics}. */
@FunctionalInterface
public interface ComputeMetrics {

  /**
   * Measures the model as it is.
   *
   * @param evalDataset the examples that are evaluated
   * @return numbers by name, in the order in which they are logged; {@code eval_} is put in front
   */
  Map<String, Double> compute(Dataset<TokenizedExample> evalDataset);
}
