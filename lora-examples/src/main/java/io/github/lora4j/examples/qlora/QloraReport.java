package io.github.lora4j.examples.qlora;

import io.github.lora4j.train.EvaluationResult;
import io.github.lora4j.train.TrainingResult;
import java.nio.file.Path;

/**
 * What a fine-tune on a quantized base did.
 *
 * @param adapter the adapter's folder
 * @param merged the folder of the unquantized base with the adapter in its weights
 * @param quantizedLayers how many linear layers have 4 or 8 bits
 * @param before the held-out rows' loss with the quantized base
 * @param after the same with the adapter
 * @param reloaded the same of a base quantized once more, with the saved adapter
 * @param ofMerged the same of the merged model, which nothing is quantized in
 * @param training the training run
 */
public record QloraReport(
    Path adapter,
    Path merged,
    int quantizedLayers,
    EvaluationResult before,
    EvaluationResult after,
    EvaluationResult reloaded,
    EvaluationResult ofMerged,
    TrainingResult training) {}
