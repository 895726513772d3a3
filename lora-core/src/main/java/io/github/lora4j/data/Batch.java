package io.github.lora4j.data;

import java.util.Arrays;

/**
 * Several sequences of one length, as row-major arrays of {@code size * length} numbers.
 *
 * <p>Two batches are equal when their arrays hold the same numbers. The arrays are not copied:
 * whoever builds a batch hands them over, and whoever reads one leaves them as they are.
 *
 * @param size the number of rows, at least 1
 * @param length the tokens of each row, padding included, at least 1
 * @param inputIds token ids, {@code [size, length]}
 * @param attentionMask 1 for a token, 0 for padding, {@code [size, length]}
 * @param labels token ids not shifted, {@link TokenizedExample#IGNORE_INDEX} where there is no
 *     loss, {@code [size, length]}
 */
public record Batch(int size, int length, int[] inputIds, int[] attentionMask, int[] labels) {

  /**
   * Checks the sizes and that the mask holds only 0 and 1.
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
    for (int i = 0; i < attentionMask.length; i++) {
      if (attentionMask[i] != 0 && attentionMask[i] != 1) {
        throw new IllegalArgumentException(
            "attentionMask[" + i + "] must be 0 or 1, found " + attentionMask[i]);
      }
    }
  }

  private static void requireLength(String name, int[] array, long expected) {
    if (array.length != expected) {
      throw new IllegalArgumentException(
          name + " must hold size * length = " + expected + " numbers, found " + array.length);
    }
  }

  /**
   * Counts the labels that carry loss once shifted: a label is predicted from the position before
   * it, so position 0 of a row never counts.
   */
  public int supervisedTokens() {
    int count = 0;
    for (int row = 0; row < size; row++) {
      for (int i = 1; i < length; i++) {
        if (labels[row * length + i] != TokenizedExample.IGNORE_INDEX) {
          count++;
        }
      }
    }
    return count;
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
        && Arrays.equals(labels, that.labels);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(inputIds) + Arrays.hashCode(labels);
  }

  @Override
  public String toString() {
    return "Batch[" + size + " x " + length + ", " + supervisedTokens() + " supervised]";
  }
}
