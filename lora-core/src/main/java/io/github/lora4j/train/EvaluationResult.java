package io.github.lora4j.train;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What an evaluation found.
 *
 * @param loss mean loss per supervised token over the whole dataset: comparable with the training
 *     loss, where transformers averages the means of batches
 * @param examples examples with at least one supervised token
 * @param supervisedTokens tokens that carried loss
 * @param metrics transformers' numbers by name: {@code eval_loss}, {@code eval_runtime} (seconds),
 *     {@code eval_samples_per_second}, {@code eval_steps_per_second} and, during training, {@code
 *     epoch}
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
