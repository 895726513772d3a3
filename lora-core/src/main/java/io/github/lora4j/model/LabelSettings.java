package io.github.lora4j.model;

import io.github.lora4j.data.LabelMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** What {@code config.json} says of a classifier, read and written as transformers does. */
final class LabelSettings {

  private static final String ID2LABEL = "id2label";
  private static final String LABEL2ID = "label2id";
  private static final String NUM_LABELS = "num_labels";
  private static final String PROBLEM_TYPE = "problem_type";
  private static final String PAD_TOKEN_ID = "pad_token_id";

  /** transformers' number of labels where nothing says it. */
  private static final int DEFAULT_LABELS = 2;

  /** More than any classifier has; a name is made for each. */
  private static final int MOST_LABELS = 1 << 20;

  private LabelSettings() {}

  /** The labels' names; where there are none, made for their number, which is 2 if not set. */
  static LabelMap labels(ModelConfig config) {
    Optional<ModelConfig> id2label = config.section(ID2LABEL);
    if (id2label.isEmpty()) {
      int size = config.has(NUM_LABELS) ? config.size(NUM_LABELS) : DEFAULT_LABELS;
      if (size > MOST_LABELS) {
        throw config.wrong(NUM_LABELS, "at most " + MOST_LABELS);
      }
      return LabelMap.ofSize(size);
    }
    try {
      Map<Integer, String> names = new LinkedHashMap<>();
      for (String id : id2label.get().keys()) {
        names.put(Integer.valueOf(id), id2label.get().string(id));
      }
      return LabelMap.fromId2Label(names);
    } catch (IllegalArgumentException e) {
      throw config.wrong(ID2LABEL, "different names for the ids 0, 1, 2 and so on");
    }
  }

  /** Whether the names are those that somebody gave, not made from numbers. */
  static boolean hasOwnNames(ModelConfig config) {
    return config.has(ID2LABEL) && !labels(config).equals(LabelMap.ofSize(labels(config).size()));
  }

  static Optional<ProblemType> problemType(ModelConfig config) {
    if (!config.has(PROBLEM_TYPE)) {
      return Optional.empty();
    }
    return Optional.of(
        ProblemType.byName(config.string(PROBLEM_TYPE))
            .orElseThrow(
                () ->
                    config.wrong(
                        PROBLEM_TYPE,
                        "regression, single_label_classification or"
                            + " multi_label_classification")));
  }

  /** The token that counts as padding, which texts are not scored at. */
  static OptionalInt padTokenId(ModelConfig config, ModelFamily family) {
    OptionalInt named = config.integer(PAD_TOKEN_ID);
    return named.isPresent() || config.isNull(PAD_TOKEN_ID) ? named : family.defaultPadTokenId();
  }

  static ModelConfig withPadTokenId(ModelConfig config, int padTokenId) {
    return config.withValue(PAD_TOKEN_ID, padTokenId);
  }

  static ModelConfig withLabels(ModelConfig config, LabelMap labels) {
    Map<String, String> id2label = new LinkedHashMap<>();
    Map<String, Integer> label2id = new LinkedHashMap<>();
    for (int id = 0; id < labels.size(); id++) {
      id2label.put(Integer.toString(id), labels.name(id));
      label2id.put(labels.name(id), id);
    }
    return config
        .withValue(ID2LABEL, id2label)
        .withValue(LABEL2ID, label2id)
        .withValue(NUM_LABELS, labels.size());
  }

  static ModelConfig withProblemType(ModelConfig config, ProblemType problemType) {
    return config.with(PROBLEM_TYPE, problemType.transformersName());
  }
}
