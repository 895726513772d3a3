package io.github.lora4j.model;

import io.github.lora4j.io.Checkpoint;
import java.nio.file.Path;

/** Loads sequence classifiers of every family that LoRA4J knows. */
public final class AutoModelForSequenceClassification {

  private static final int DEFAULT_LABELS = 2;

  private AutoModelForSequenceClassification() {}

  /**
   * Loads a Hugging Face folder whose checkpoint has the {@code score} head.
   *
   * @return the model for the caller to close
   * @throws io.github.lora4j.error.CheckpointFormatException listing all tensors that don't fit
   */
  public static SequenceClassifier fromPretrained(Path modelDir, LoadOptions options) {
    ModelConfig config = ModelConfig.load(modelDir);
    config.requireUnquantized();
    ModelFamily family = ModelFamilies.of(config);
    DecoderSpec spec = family.describe(config);
    int labels =
        config
            .sizeOf("id2label")
            .orElseGet(() -> config.integer("num_labels").orElse(DEFAULT_LABELS));
    try (Checkpoint checkpoint = Checkpoint.open(modelDir)) {
      SizeLimits.check(config, spec, checkpoint);
      return new SequenceClassifier(
          config,
          CheckpointWeights.load(
              checkpoint,
              config,
              options,
              weights -> ScoredLayers.build(spec, labels, weights),
              family::ignores));
    }
  }
}
