package io.github.lora4j.model;

import io.github.lora4j.data.SequenceLabels;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * What a sequence classifier learns, and so its loss: {@code problem_type} of a {@code
 * config.json}.
 *
 * <p>Where it isn't set, the first labels decide as in transformers: one score is a regression,
 * several scores with one class for each sequence are {@link #SINGLE_LABEL_CLASSIFICATION}, and
 * with numbers they are {@link #MULTI_LABEL_CLASSIFICATION}.
 */
public enum ProblemType {
  /** Numbers: the mean of their squared errors. */
  REGRESSION,
  /** One class of several: the cross-entropy of the softmax. */
  SINGLE_LABEL_CLASSIFICATION,
  /** Any number of classes: the mean of each class's binary cross-entropy. */
  MULTI_LABEL_CLASSIFICATION;

  /** The name in {@code config.json}. */
  public String transformersName() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Optional<ProblemType> byName(String name) {
    return Arrays.stream(values()).filter(type -> type.transformersName().equals(name)).findFirst();
  }

  /** What transformers takes labels for where nobody says what they are. */
  static ProblemType suggestedBy(SequenceLabels labels, int numLabels) {
    if (numLabels == 1) {
      return REGRESSION;
    }
    return labels instanceof SequenceLabels.ClassIds
        ? SINGLE_LABEL_CLASSIFICATION
        : MULTI_LABEL_CLASSIFICATION;
  }
}
