package io.github.lora4j.data;

import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Several sequences of one length, as row-major arrays of {@code size * length} numbers.
 *
 * <p>Two batches are equal when their arrays hold the same numbers. The arrays are not copied:
 * whoever builds a batch hands them over, and whoever reads one leaves them as they are.
 *
 * <p>A row may hold several samples behind one another. Where a position id isn't the one before
 * plus one, a new sample begins; samples of one row don't see each other. So the positions of
 * padding on the right go on counting up from the last token's: the mask says that it is padding.
 *
 * @param size the number of rows, at least 1
 * @param length the tokens of each row, padding included, at least 1
 * @param inputIds token ids, {@code [size, length]}
 * @param attentionMask 1 for a token, 0 for padding, {@code [size, length]}
 * @param labels token ids not shifted, {@link TokenizedExample#IGNORE_INDEX} where there is no
 *     loss, {@code [size, length]}
 * @param positionIds the place of each token in its sample, each at least 0, {@code [size, length]}
 * @param sequenceLabels a label for each row, where whole sequences are to be classified; then no
 *     token has a label
 */
public record Batch(
    int size,
    int length,
    int[] inputIds,
    int[] attentionMask,
    int[] labels,
    int[] positionIds,
    Optional<SequenceLabels> sequenceLabels) {

  /**
   * Makes a batch whose tokens are labelled.
   *
   * @param size the number of rows, at least 1
   * @param length the tokens of each row, padding included, at least 1
   * @param inputIds token ids, {@code [size, length]}
   * @param attentionMask 1 for a token, 0 for padding, {@code [size, length]}
   * @param labels token ids not shifted, {@link TokenizedExample#IGNORE_INDEX} where there is no
   *     loss, {@code [size, length]}
   * @param positionIds the place of each token in its sample, each at least 0, {@code [size,
   *     length]}
   * @throws IllegalArgumentException naming the array that is wrong
   */
  public Batch(
      int size, int length, int[] inputIds, int[] attentionMask, int[] labels, int[] positionIds) {
    this(size, length, inputIds, attentionMask, labels, positionIds, Optional.empty());
  }

  /**
   * Makes a batch of one sample a row, whose positions count the columns from 0, padding included,
   * as transformers does where no positions are given.
   *
   * @param size the number of rows, at least 1
   * @param length the tokens of each row, padding included, at least 1
   * @param inputIds token ids, {@code [size, length]}
   * @param attentionMask 1 for a token, 0 for padding, {@code [size, length]}
   * @param labels token ids not shifted, {@link TokenizedExample#IGNORE_INDEX} where there is no
   *     loss, {@code [size, length]}
   * @throws IllegalArgumentException naming the array that is wrong
   */
  public Batch(int size, int length, int[] inputIds, int[] attentionMask, int[] labels) {
    this(size, length, inputIds, attentionMask, labels, columns(inputIds.length, length));
  }

  /** A length that is out of range fails later, together with all else that can be wrong. */
  private static int[] columns(int count, int length) {
    return IntStream.range(0, count).map(i -> i % Math.max(length, 1)).toArray();
  }

  /**
   * Checks the sizes, that the mask holds only 0 and 1, and that no position is negative.
   *
   * @throws IllegalArgumentException naming the array that is wrong
   */
  public Batch {
    if (size < 1 || length < 1) {
      throw new IllegalArgumentException(
          "a batch needs at least one row and one token, found size "
              + size
              + ", length "
              + length);
    }
    long expected = (long) size * length;
    requireLength("inputIds", inputIds, expected);
    requireLength("attentionMask", attentionMask, expected);
    requireLength("labels", labels, expected);
    requireLength("positionIds", positionIds, expected);
    for (int i = 0; i < attentionMask.length; i++) {
      if (attentionMask[i] != 0 && attentionMask[i] != 1) {
        throw new IllegalArgumentException(
            "attentionMask[" + i + "] must be 0 or 1, found " + attentionMask[i]);
      }
      if (positionIds[i] < 0) {
        throw new IllegalArgumentException("positionIds[" + i + "] is negative: " + positionIds[i]);
      }
      if (sequenceLabels.isPresent() && labels[i] != TokenizedExample.IGNORE_INDEX) {
        throw new IllegalArgumentException(
            "a batch with labels of whole sequences has no labels of tokens: expected "
                + TokenizedExample.IGNORE_INDEX
                + " in labels["
                + i
                + "], found "
                + labels[i]);
      }
    }
    if (sequenceLabels.isPresent() && sequenceLabels.get().size() != size) {
      throw new IllegalArgumentException(
          "sequenceLabels: expected one for each of "
              + size
              + " rows, found "
              + sequenceLabels.get());
    }
  }

  /** The same rows with a label for each, and none for their tokens. */
  public Batch labelled(SequenceLabels given) {
    int[] none = new int[labels.length];
    Arrays.fill(none, TokenizedExample.IGNORE_INDEX);
    return new Batch(size, length, inputIds, attentionMask, none, positionIds, Optional.of(given));
  }

  private static void requireLength(String name, int[] array, long expected) {
    if (array.length != expected) {
      throw new IllegalArgumentException(
          name + " must hold size * length = " + expected + " numbers, found " + array.length);
    }
  }

  /**
   * Returns whether a sample begins here: in the first column, and where the position id isn't the
   * one before plus one.
   *
   * @param index counted through all rows: {@code row * length + column}
   * @throws IndexOutOfBoundsException if there is no such token
   */
  public boolean startsSample(int index) {
    Objects.checkIndex(index, positionIds.length);
    return index % length == 0 || positionIds[index] != positionIds[index - 1] + 1;
  }

  /**
   * Counts the labels that carry loss once shifted: a label is predicted from the position before
   * it, so that of a sample's first token never counts.
   */
  public int supervisedTokens() {
    int count = 0;
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] != TokenizedExample.IGNORE_INDEX && !startsSample(i)) {
        count++;
      }
    }
    return count;
  }

  /** Counts what carries loss: the rows, where they have labels, else the supervised tokens. */
  public int supervisedItems() {
    return sequenceLabels.isPresent() ? size : supervisedTokens();
  }

  /** Counts the tokens that are not padding. */
  public int tokens() {
    int count = 0;
    for (int present : attentionMask) {
      count += present;
    }
    return count;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Batch that
        && size == that.size
        && length == that.length
        && Arrays.equals(inputIds, that.inputIds)
        && Arrays.equals(attentionMask, that.attentionMask)
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
    return "Batch[" + size + " x " + length + ", " + supervisedItems() + " supervised]";
  }
}
