package io.github.lora4j.examples.quickstart;

import io.github.lora4j.train.TrainingResult;
import java.nio.file.Path;

/**
 * What the quickstart did.
 *
 * @param adapter the adapter's folder
 * @param chart the picture of the loss
 * @param before the base's answers
 * @param after the trained model's answers
 * @param reloaded the answers of a fresh base with the saved adapter
 * @param training the training run
 */
public record QuickstartReport(
    Path adapter,
    Path chart,
    Answers before,
    Answers after,
    Answers reloaded,
    TrainingResult training) {}
