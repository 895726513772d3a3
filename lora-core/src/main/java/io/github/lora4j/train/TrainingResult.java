package io.github.lora4j.train;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a training run did; every number is of what really ran, also when it was stopped early.
 *
 * @param globalStep updates completed
 * @param trainingLoss mean over the updates of each update's loss
 * @param metrics transformers' numbers by name: {@code train_runtime} (seconds, with evaluations
 *     and checkpoints), {@code train_samples_per_second}, {@code train_steps_per_second}, {@code
 *     train_tokens_per_second} (input tokens that are no padding), {@code total_flos} (six times
 *     padded input tokens times all parameters, the embeddings' too), {@code train_loss}, {@code
 *     epoch}
 * @param logHistory the log lines, oldest first; the last one holds the metrics
 */
public record TrainingResult(
    int globalStep, double trainingLoss, Map<String, Double> metrics, List<LogRow> logHistory) {

  /** Copies the collections; the metrics' order is kept. */
  public TrainingResult {
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
    logHistory = List.copyOf(logHistory);
  }
}
