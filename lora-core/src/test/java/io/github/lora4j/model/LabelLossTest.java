package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.data.SequenceLabels;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LabelLossTest {

  private static final float[] SCORES = {0.5f, -1, 2, 0.1f, 0.2f, -0.3f};

  private static SequenceLabels targets(ProblemType problem) {
    return switch (problem) {
      case SINGLE_LABEL_CLASSIFICATION -> new SequenceLabels.ClassIds(new int[] {2, 0});
      case MULTI_LABEL_CLASSIFICATION ->
          new SequenceLabels.Values(3, new float[] {1, 0, 1, 0, 0, 1});
      case REGRESSION -> new SequenceLabels.Values(3, new float[] {1, -2, 0.5f, 3, 0, 0});
    };
  }

  private static double value(float[] scores, ProblemType problem, double smoothing) {
    try (TensorScope scope = TensorScope.open()) {
      return LabelLoss.of(Tensor.of(scores, 2, 3), targets(problem), problem, 1, smoothing).value();
    }
  }

  @ParameterizedTest
  @EnumSource
  void theGradientIsThatOfTheValueAndTheScoresStay(ProblemType problem) {
    double smoothing = problem == ProblemType.SINGLE_LABEL_CLASSIFICATION ? 0.1 : 0;
    try (TensorScope scope = TensorScope.open()) {
      Tensor scores = Tensor.of(SCORES, 2, 3);
      LabelLoss loss = LabelLoss.of(scores, targets(problem), problem, 0.25, smoothing);
      assertThat(scores.toFloatArray()).containsExactly(SCORES);
      float[] gradient = loss.gradient().toFloatArray();
      for (int i = 0; i < SCORES.length; i++) {
        float[] up = SCORES.clone();
        float[] down = SCORES.clone();
        up[i] += 0.01f;
        down[i] -= 0.01f;
        double slope = (value(up, problem, smoothing) - value(down, problem, smoothing)) / 0.02;
        assertThat((double) gradient[i]).isCloseTo(0.25 * slope, within(1e-4));
      }
    }
  }

  @Test
  void theBinaryCrossEntropyIsTheMeanOverClasses() {
    double sum = 0;
    float[] asked = {1, 0, 1, 0, 0, 1};
    for (int i = 0; i < 6; i++) {
      sum += Math.log1p(Math.exp(asked[i] > 0 ? -SCORES[i] : SCORES[i]));
    }
    assertThat(value(SCORES, ProblemType.MULTI_LABEL_CLASSIFICATION, 0))
        .isCloseTo(sum / 3, within(1e-6));
  }

  private static void assertRefused(
      SequenceLabels targets, ProblemType problem, double smoothing, String message) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor scores = Tensor.of(SCORES, 2, 3);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> LabelLoss.of(scores, targets, problem, 1, smoothing))
          .withMessageContaining(message);
    }
  }

  @Test
  void labelsThatDoNotFitAreRefused() {
    SequenceLabels classes = targets(ProblemType.SINGLE_LABEL_CLASSIFICATION);
    SequenceLabels numbers = targets(ProblemType.REGRESSION);
    assertRefused(
        numbers, ProblemType.SINGLE_LABEL_CLASSIFICATION, 0, "id of one class for each sequence");
    assertRefused(classes, ProblemType.REGRESSION, 0, "expected 3 numbers for each sequence");
    assertRefused(
        new SequenceLabels.ClassIds(new int[] {0, 3}),
        ProblemType.SINGLE_LABEL_CLASSIFICATION,
        0,
        "sequence 1: expected the id of one of 3 classes, found 3");
    assertRefused(
        numbers, ProblemType.MULTI_LABEL_CLASSIFICATION, 0, "found -2.0 for class 1 of sequence 0");
    assertRefused(numbers, ProblemType.REGRESSION, 0.1, "labelSmoothingFactor");
  }

  @Test
  void labelsSuggestTheProblem() {
    SequenceLabels classes = SequenceLabels.ofClass(0);
    SequenceLabels numbers = SequenceLabels.ofValues(0, 1);
    assertThat(ProblemType.suggestedBy(classes, 2))
        .isEqualTo(ProblemType.SINGLE_LABEL_CLASSIFICATION);
    assertThat(ProblemType.suggestedBy(numbers, 2))
        .isEqualTo(ProblemType.MULTI_LABEL_CLASSIFICATION);
    assertThat(ProblemType.suggestedBy(classes, 1)).isEqualTo(ProblemType.REGRESSION);
  }
}
