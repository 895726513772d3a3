package io.github.lora4j.model;

import io.github.lora4j.data.SequenceLabels;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What a classifier and the views of it learn: as its configuration says, or else as its first
 * labels do.
 */
final class LearntProblem {

  private final AtomicReference<@Nullable ProblemType> type;

  LearntProblem(Optional<ProblemType> configured) {
    type = new AtomicReference<>(configured.orElse(null));
  }

  Optional<ProblemType> known() {
    return Optional.ofNullable(type.get());
  }

  ProblemType of(SequenceLabels labels, int numLabels) {
    type.compareAndSet(null, ProblemType.suggestedBy(labels, numLabels));
    return known().orElseThrow();
  }
}
