package io.github.lora4j.model;

import io.github.lora4j.data.SequenceLabels;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;

/**
 * The loss of labelled sequences, summed over them, and its gradient at once, in float32: that of
 * transformers' {@code ForSequenceClassificationLoss} times the number of sequences.
 *
 * @param value the sum over the sequences; of several numbers for one, their mean
 * @param gradient of {@code scale} times the value, in the dtype of the scores
 */
record LabelLoss(double value, Tensor gradient) {

  /**
   * Computes both.
   *
   * @param scores {@code [sequences, labels]}; not changed
   * @param targets for the same sequences
   * @param smoothing the share of each class that is spread over all classes evenly
   * @throws IllegalArgumentException if the targets aren't what the problem and the number of
   *     scores ask for
   */
  static LabelLoss of(
      Tensor scores, SequenceLabels targets, ProblemType problem, double scale, double smoothing) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      LabelLoss loss =
          switch (problem) {
            case SINGLE_LABEL_CLASSIFICATION -> {
              long[] ids = ids(targets, scores.size(1));
              yield of(
                  TokenLoss.of(copyOf(scores), vector(ids, scores.device()), scale, smoothing));
            }
            case MULTI_LABEL_CLASSIFICATION -> {
              requireNoSmoothing(problem, smoothing);
              yield binary(scores, values(targets, problem, scores.size(1)), scale);
            }
            case REGRESSION -> {
              requireNoSmoothing(problem, smoothing);
              yield squared(scores, values(targets, problem, scores.size(1)), scale);
            }
          };
      return new LabelLoss(loss.value(), scope.handOver(loss.gradient().to(scores.dtype())));
    }
  }

  private static LabelLoss of(TokenLoss loss) {
    return new LabelLoss(loss.value(), loss.gradient());
  }

  /** The loss of tokens overwrites float32 scores. */
  private static Tensor copyOf(Tensor scores) {
    return scores.dtype() == DType.F32 ? scores.detach().copy() : scores;
  }

  /** A class's binary cross-entropy is the cross-entropy of two classes with scores 0 and x. */
  private static LabelLoss binary(Tensor scores, float[] targets, double scale) {
    long classes = scores.size(1);
    long[] chosen = new long[targets.length];
    for (int i = 0; i < targets.length; i++) {
      if (targets[i] != 0 && targets[i] != 1) {
        throw new IllegalArgumentException(
            "multi_label_classification: expected 1 for a class of the sequence and 0 for any"
                + " other,"
                + " found %s for class %d of sequence %d"
                    .formatted(targets[i], i % classes, i / classes));
      }
      chosen[i] = (long) targets[i];
    }
    Tensor x = scores.detach().to(DType.F32).reshape(-1, 1);
    Tensor zero = Tensor.zeros(DType.F32, scores.device(), targets.length, 1);
    TokenLoss loss =
        TokenLoss.of(
            Tensor.cat(List.of(zero, x), 1), vector(chosen, scores.device()), scale / classes, 0);
    return new LabelLoss(
        loss.value() / classes, loss.gradient().narrow(1, 1, 1).reshape(scores.shape()));
  }

  private static LabelLoss squared(Tensor scores, float[] targets, double scale) {
    long numbers = scores.size(1);
    Tensor asked = Tensor.of(targets, scores.shape()).to(scores.device());
    Tensor error = scores.detach().to(DType.F32).add(asked, -1);
    double value = error.square().sum().item() / numbers;
    return new LabelLoss(value, error.mulInPlace(2 * scale / numbers));
  }

  private static long[] ids(SequenceLabels targets, long classes) {
    if (!(targets instanceof SequenceLabels.ClassIds classIds)) {
      throw new IllegalArgumentException(
          "single_label_classification: expected the id of one class for each sequence, found "
              + targets);
    }
    long[] ids = new long[classIds.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = classIds.ids()[i];
      if (ids[i] >= classes) {
        throw new IllegalArgumentException(
            "sequence %d: expected the id of one of %d classes, found %d"
                .formatted(i, classes, ids[i]));
      }
    }
    return ids;
  }

  private static float[] values(SequenceLabels targets, ProblemType problem, long width) {
    if (targets instanceof SequenceLabels.Values values && values.width() == width) {
      return values.values();
    }
    throw new IllegalArgumentException(
        "%s: expected %d %s for each sequence, found %s"
            .formatted(
                problem.transformersName(), width, width == 1 ? "number" : "numbers", targets));
  }

  private static void requireNoSmoothing(ProblemType problem, double smoothing) {
    if (smoothing > 0) {
      throw new IllegalArgumentException(
          "labelSmoothingFactor: expected 0 with %s, whose targets are no single classes, found %s"
              .formatted(problem.transformersName(), smoothing));
    }
  }

  private static Tensor vector(long[] numbers, Device device) {
    return Tensor.of(numbers, numbers.length).to(device);
  }
}
