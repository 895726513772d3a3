package io.github.lora4j.model;

import io.github.lora4j.data.LabelMap;
import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.io.hub.ModelHub;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads sequence classifiers of every family that LoRA4J knows.
 *
 * <p>A checkpoint without the {@code score} head, such as that of any causal language model, gets a
 * fresh one, drawn as transformers draws it from {@link LoadOptions#headSeed}; a warning says so.
 * Its head for tokens is left out.
 */
public final class AutoModelForSequenceClassification {

  private static final Logger LOG =
      LoggerFactory.getLogger(AutoModelForSequenceClassification.class);

  private AutoModelForSequenceClassification() {}

  /**
   * Loads a Hugging Face folder in its own dtype with the labels of its {@code config.json}: {@code
   * id2label}, or as many as {@code num_labels} says, or two.
   */
  public static SequenceClassifier fromPretrained(Path modelDir) {
    return fromPretrained(modelDir, LoadOptions.defaults());
  }

  /** Loads a Hugging Face folder with the labels of its {@code config.json}. */
  public static SequenceClassifier fromPretrained(Path modelDir, LoadOptions options) {
    ModelConfig config = ModelConfig.load(modelDir);
    return load(modelDir, config, LabelSettings.labels(config), options);
  }

  /**
   * Loads a folder, or a repository of the Hugging Face hub such as {@code org/name}, which is
   * downloaded once, with the labels of its {@code config.json}.
   *
   * @throws io.github.lora4j.error.HubException if it can't be downloaded
   */
  public static SequenceClassifier fromPretrained(String nameOrPath, LoadOptions options) {
    return fromPretrained(ModelHub.resolve(nameOrPath, options.hub()), options);
  }

  /**
   * Loads a folder, or a repository of the Hugging Face hub such as {@code org/name}, which is
   * downloaded once, with labels of one's own: see {@link LoadOptions#hub}.
   *
   * @throws io.github.lora4j.error.HubException if it can't be downloaded
   */
  public static SequenceClassifier fromPretrained(
      String nameOrPath, LabelMap labels, LoadOptions options) {
    return fromPretrained(ModelHub.resolve(nameOrPath, options.hub()), labels, options);
  }

  /** Loads a Hugging Face folder in its own dtype with labels of one's own. */
  public static SequenceClassifier fromPretrained(Path modelDir, LabelMap labels) {
    return fromPretrained(modelDir, labels, LoadOptions.defaults());
  }

  /**
   * Loads a Hugging Face folder with labels of one's own.
   *
   * @param modelDir holds {@code config.json} and {@code model.safetensors}, or its shards and
   *     their index
   * @param labels what the scores stand for, in their order
   * @return the model, all parameters frozen, for the caller to close
   * @throws CheckpointFormatException listing all tensors that don't fit, also a head with another
   *     number of labels
   * @throws io.github.lora4j.error.UnsupportedModelException if the family is unknown
   * @throws IllegalArgumentException if there is one label where one class of several is learnt
   */
  public static SequenceClassifier fromPretrained(
      Path modelDir, LabelMap labels, LoadOptions options) {
    return load(modelDir, ModelConfig.load(modelDir), labels, options);
  }

  private static SequenceClassifier load(
      Path modelDir, ModelConfig loaded, LabelMap labels, LoadOptions options) {
    Optional<Quantization> stored = Quantizations.stored(loaded, options);
    ModelFamily family = ModelFamilies.of(loaded);
    DecoderSpec spec = family.describe(loaded);
    try (Checkpoint checkpoint = Checkpoint.open(modelDir)) {
      SizeLimits.check(loaded, spec, checkpoint);
      boolean fresh = !checkpoint.names().contains(ScoredLayers.SCORE + ".weight");
      Optional<FreshHead> head =
          fresh ? Optional.of(FreshHead.of(loaded, options.headSeed())) : Optional.empty();
      StoredNames names = new StoredNames(checkpoint, family, spec);
      ModelConfig config =
          Quantizations.written(configured(loaded, labels, options), stored, options);
      Optional<ProblemType> problem =
          options.problemType().or(() -> LabelSettings.problemType(loaded));
      requireSeveralClasses(loaded, problem, labels);
      ScoredLayers layers =
          CheckpointWeights.load(
              checkpoint,
              names,
              config,
              options,
              stored,
              weights -> ScoredLayers.build(spec, labels.size(), head, weights),
              name -> family.ignores(name) || isTokenHead(name, spec, names));
      sayWhatIsNew(loaded, labels, fresh, options.headSeed());
      return new SequenceClassifier(
          config,
          family,
          layers,
          labels,
          new LearntProblem(problem),
          Optional.of(modelDir),
          fresh,
          true);
    }
  }

  /** The softmax of one score is always 1, so that nothing would be learnt. */
  private static void requireSeveralClasses(
      ModelConfig config, Optional<ProblemType> problem, LabelMap labels) {
    if (labels.size() == 1
        && problem.filter(ProblemType.SINGLE_LABEL_CLASSIFICATION::equals).isPresent()) {
      throw new IllegalArgumentException(
          config.source()
              + ": single_label_classification expects at least 2 labels, found only "
              + labels.names()
              + "; use two classes, or REGRESSION for one number.");
    }
  }

  private static ModelConfig configured(ModelConfig loaded, LabelMap labels, LoadOptions options) {
    ModelConfig named = LabelSettings.withLabels(loaded, labels);
    return options.padTokenId().isPresent()
        ? LabelSettings.withPadTokenId(named, options.padTokenId().getAsInt())
        : named;
  }

  private static boolean isTokenHead(String stored, DecoderSpec spec, StoredNames names) {
    return List.of(".weight", ".bias").stream()
        .anyMatch(end -> stored.equals(names.of(spec.head().name() + end)));
  }

  private static void sayWhatIsNew(
      ModelConfig loaded, LabelMap labels, boolean fresh, long headSeed) {
    if (fresh) {
      LOG.warn(
          "{}: the checkpoint has no score.weight: it is newly initialized for {} labels (seed {})"
              + " and has to be trained before the scores mean anything",
          loaded.source(),
          labels.size(),
          headSeed);
    } else if (LabelSettings.hasOwnNames(loaded) && !LabelSettings.labels(loaded).equals(labels)) {
      LOG.warn(
          "{}: the head was trained for the labels {}, which are called {} from now on",
          loaded.source(),
          LabelSettings.labels(loaded).names(),
          labels.names());
    }
  }
}
