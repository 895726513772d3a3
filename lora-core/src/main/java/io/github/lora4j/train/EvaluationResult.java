package io.github.lora4j.train;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What an evaluation found.
 *
 * @param loss mean loss per supervised item over the whole dataset: comparable with the training
 *     loss, where transformers averages the means of batches
 * @param examples examples with at least one supervised item
 * @param supervisedTokens tokens that carried loss, or sequences where whole sequences are labelled
 * @param metrics transformers' numbers by name: {@code eval_loss}, {@code eval_runtime} (seconds),
 *     {@code eval_samples_per_second}, {@code eval_steps_per_second}, those of {@link
 *     ComputeMetrics} and, during training, {@code epoch}
 */
public record EvaluationResult(
    double loss, int examples, long supervisedTokens, Map<String, Double> metrics) {

  /** Copies the metrics; their order is kept. */
  public EvaluationResult {
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
  }

  /** The exponential of the loss. */
  public double perplexity() {
    return Math.exp(loss);
  }
}
