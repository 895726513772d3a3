package io.github.lora4j.examples.classify;

import io.github.lora4j.data.LabelMap;
import io.github.lora4j.train.TrainingResult;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a classification did.
 *
 * @param labels the classes that the training rows have
 * @param adapter the adapter's folder, which holds the trained head too
 * @param before measures of the held-out rows with the fresh head
 * @param after the same with adapter and trained head
 * @param reloaded the same of a fresh model with the saved adapter
 * @param training the training run
 */
public record ClassificationReport(
    LabelMap labels,
    Path adapter,
    Map<String, Double> before,
    Map<String, Double> after,
    Map<String, Double> reloaded,
    TrainingResult training) {}
