package io.github.lora4j.data;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A sequence of token ids and what is to be learnt of it: a label for each token, where one sample
 * or several that were packed behind one another are learnt token by token, or a label of the whole
 * sequence, which is to be classified.
 *
 * <p>Labels are not shifted: {@code labels[i]} belongs to {@code inputIds[i]}, and the model
 * predicts it from the positions of its sample before {@code i}. Two examples are equal when their
 * arrays hold the same numbers. The arrays are not copied: whoever builds an example hands them
 * over, and whoever reads one leaves them as they are.
 *
 * @param inputIds token ids, {@code [seq]}, each at least 0
 * @param labels {@code [seq]}: a token id, or {@link #IGNORE_INDEX} where there is no loss
 * @param positionIds {@code [seq]}: 0, 1, 2 and so on, from 0 again where the next sample begins
 * @param sequenceLabels the label of the whole sequence, where it is to be classified; then no
 *     token has a label
 */
public record TokenizedExample(
    int[] inputIds, int[] labels, int[] positionIds, Optional<SequenceLabels> sequenceLabels) {

  /** The label of a position without loss: -100, as in PyTorch's cross-entropy. */
  public static final int IGNORE_INDEX = -100;

  /**
   * Makes an example of one sample.
   *
   * @param inputIds token ids, {@code [seq]}, each at least 0
   * @param labels {@code [seq]}: a token id, or {@link #IGNORE_INDEX} where there is no loss
   * @throws IllegalArgumentException naming the first position that is wrong
   */
  public TokenizedExample(int[] inputIds, int[] labels) {
    this(inputIds, labels, IntStream.range(0, inputIds.length).toArray());
  }

  /**
   * Makes an example whose tokens are labelled.
   *
   * @param inputIds token ids, {@code [seq]}, each at least 0
   * @param labels {@code [seq]}: a token id, or {@link #IGNORE_INDEX} where there is no loss
   * @param positionIds {@code [seq]}: 0, 1, 2 and so on, from 0 again where the next sample begins
   * @throws IllegalArgumentException naming the first position that is wrong
   */
  public TokenizedExample(int[] inputIds, int[] labels, int[] positionIds) {
    this(inputIds, labels, positionIds, Optional.empty());
  }

  /**
   * Makes an example of one sample that is labelled as a whole.
   *
   * @param inputIds token ids, {@code [seq]}, each at least 0
   * @param label of the sequence
   * @throws IllegalArgumentException naming what is wrong
   */
  public static TokenizedExample labelled(int[] inputIds, SequenceLabels label) {
    int[] none = new int[inputIds.length];
    Arrays.fill(none, IGNORE_INDEX);
    return new TokenizedExample(
        inputIds, none, IntStream.range(0, inputIds.length).toArray(), Optional.of(label));
  }

  /**
   * Checks that the arrays are equally long, not empty, and hold ids and positions, and that there
   * are labels of one kind only.
   *
   * @throws IllegalArgumentException naming the first position that is wrong
   */
  public TokenizedExample {
    if (inputIds.length == 0) {
      throw new IllegalArgumentException("inputIds is empty: an example needs at least one token");
    }
    if (inputIds.length != labels.length) {
      throw new IllegalArgumentException(
          "labels must be as long as inputIds (not shifted): inputIds has "
              + inputIds.length
              + ", labels "
              + labels.length);
    }
    if (inputIds.length != positionIds.length) {
      throw new IllegalArgumentException(
          "positionIds must be as long as inputIds: inputIds has "
              + inputIds.length
              + ", positionIds "
              + positionIds.length);
    }
    for (int i = 0; i < inputIds.length; i++) {
      if (inputIds[i] < 0) {
        throw new IllegalArgumentException("inputIds[" + i + "] is negative: " + inputIds[i]);
      }
      if (labels[i] < 0 && labels[i] != IGNORE_INDEX) {
        throw new IllegalArgumentException(
            "labels[" + i + "] must be a token id or " + IGNORE_INDEX + ", found " + labels[i]);
      }
      int next = i == 0 ? 0 : positionIds[i - 1] + 1;
      if (positionIds[i] != 0 && positionIds[i] != next) {
        throw new IllegalArgumentException(
            "positionIds["
                + i
                + "] must be "
                + (next == 0 ? "" : next + ", or ")
                + "0 where a sample begins, found "
                + positionIds[i]);
      }
      if (sequenceLabels.isPresent() && (labels[i] != IGNORE_INDEX || positionIds[i] != i)) {
        throw new IllegalArgumentException(
            "an example with a label of the whole sequence must be one sample whose tokens have the"
                + " label "
                + IGNORE_INDEX
                + ", found label "
                + labels[i]
                + " and position "
                + positionIds[i]
                + " at "
                + i);
      }
    }
    if (sequenceLabels.isPresent() && sequenceLabels.get().size() != 1) {
      throw new IllegalArgumentException(
          "sequenceLabels: expected the label of one sequence, found " + sequenceLabels.get());
    }
  }

  /** Returns the number of tokens. */
  public int length() {
    return inputIds.length;
  }

  /**
   * Counts the labels that carry loss; that of a sample's first token never does, since nothing
   * stands before it to predict it from.
   */
  public int supervisedTokens() {
    int count = 0;
    for (int i = 1; i < labels.length; i++) {
      if (labels[i] != IGNORE_INDEX && positionIds[i] != 0) {
        count++;
      }
    }
    return count;
  }

  /** Counts what carries loss: 1 with a label of the whole sequence, else the supervised tokens. */
  public int supervisedItems() {
    return sequenceLabels.isPresent() ? 1 : supervisedTokens();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TokenizedExample that
        && Arrays.equals(inputIds, that.inputIds)
        && Arrays.equals(labels, that.labels)
        && Arrays.equals(positionIds, that.positionIds)
        && sequenceLabels.equals(that.sequenceLabels);
  }

  @Override
  public int hashCode() {
    int hash = 31 * Arrays.hashCode(inputIds) + Arrays.hashCode(labels);
    return 31 * (31 * hash + Arrays.hashCode(positionIds)) + sequenceLabels.hashCode();
  }

  @Override
  public String toString() {
    return "TokenizedExample["
        + length()
        + " tokens, "
        + sequenceLabels.map(Object::toString).orElse(supervisedTokens() + " supervised")
        + "]";
  }
}
