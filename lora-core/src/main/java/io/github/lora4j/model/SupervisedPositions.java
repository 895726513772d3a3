package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.Arrays;

/**
 * The positions of a batch whose next token is to be learnt, so that only they go through the head.
 */
final class SupervisedPositions {

  private final long[] positions;
  private final long[] targets;

  private SupervisedPositions(long[] positions, long[] targets) {
    this.positions = positions;
    this.targets = targets;
  }

  /**
   * Label {@code i} of a sample is predicted from its position {@code i - 1}.
   *
   * @throws IllegalArgumentException if a label that counts is no token, or whole sequences are
   *     labelled
   */
  static SupervisedPositions of(Batch batch, int vocabSize) {
    if (batch.sequenceLabels().isPresent()) {
      throw new IllegalArgumentException(
          "A causal language model learns labels of tokens, and this batch has labels of whole"
              + " sequences: load the model with AutoModelForSequenceClassification.");
    }
    int[] labels = batch.labels();
    long[] positions = new long[labels.length];
    long[] targets = new long[labels.length];
    int n = 0;
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] != TokenizedExample.IGNORE_INDEX && !batch.startsSample(i)) {
        if (labels[i] < 0 || labels[i] >= vocabSize) {
          throw new IllegalArgumentException(
              "labels["
                  + i
                  + "]: expected -100 or a token id in [0, "
                  + vocabSize
                  + "), found "
                  + labels[i]);
        }
        positions[n] = i - 1;
        targets[n++] = labels[i];
      }
    }
    return new SupervisedPositions(Arrays.copyOf(positions, n), Arrays.copyOf(targets, n));
  }

  /** Whether a row without padding has all of these positions. */
  boolean areIn(TokenRow row) {
    return row.holds(positions);
  }

  /** The same positions, counted in a row without padding. */
  SupervisedPositions in(TokenRow row) {
    return new SupervisedPositions(row.placesOf(positions), targets);
  }

  boolean isEmpty() {
    return positions.length == 0;
  }

  int count() {
    return positions.length;
  }

  /**
   * Picks the hidden states of these positions.
   *
   * @param hidden {@code [batch, seq, hidden]}
   * @return {@code [n, hidden]}
   */
  Tensor select(Tensor hidden) {
    Tensor flat = hidden.reshape(hidden.size(0) * hidden.size(1), hidden.size(2));
    return flat.indexSelect(0, Tensor.of(positions, positions.length).to(hidden.device()));
  }

  /** The tokens to be predicted at {@code length} of these positions, I64 {@code [length]}. */
  Tensor targets(int from, int length, Device device) {
    return Tensor.of(Arrays.copyOfRange(targets, from, from + length), length).to(device);
  }
}
