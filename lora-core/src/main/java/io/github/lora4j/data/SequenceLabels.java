package io.github.lora4j.data;

import java.util.Arrays;
import java.util.List;

/**
 * What whole sequences are labelled with: a class each, or numbers each.
 *
 * <p>An example holds the label of one sequence, a batch those of all its rows. Which loss belongs
 * to them is the model's {@code problem_type}. Two are equal when they hold the same numbers. The
 * arrays are not copied: whoever builds labels hands them over, and whoever reads them leaves them
 * as they are.
 */
public sealed interface SequenceLabels {

  /** How many sequences have a label here. */
  int size();

  /** The label of one sequence: the id of its class. */
  static SequenceLabels ofClass(int id) {
    return new ClassIds(new int[] {id});
  }

  /** The label of one sequence: numbers to be predicted, or 0 and 1 for each class. */
  static SequenceLabels ofValues(float... values) {
    return new Values(values.length, values);
  }

  /**
   * The labels of all sequences, in their order.
   *
   * @throws IllegalArgumentException if they are of different kinds or widths, or there are none
   */
  static SequenceLabels join(List<SequenceLabels> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("no labels to join");
    }
    for (int i = 1; i < parts.size(); i++) {
      if (!parts.get(i).isLike(parts.get(0))) {
        throw new IllegalArgumentException(
            "sequences of one batch need labels of one kind: the first has %s, sequence %d has %s"
                .formatted(parts.get(0), i, parts.get(i)));
      }
    }
    if (parts.get(0) instanceof Values first) {
      int size = parts.stream().mapToInt(SequenceLabels::size).sum();
      float[] joined = new float[Math.multiplyExact(size, first.width())];
      int from = 0;
      for (SequenceLabels part : parts) {
        float[] values = ((Values) part).values();
        System.arraycopy(values, 0, joined, from, values.length);
        from += values.length;
      }
      return new Values(first.width(), joined);
    }
    return new ClassIds(
        parts.stream().flatMapToInt(part -> Arrays.stream(((ClassIds) part).ids())).toArray());
  }

  private boolean isLike(SequenceLabels other) {
    return this instanceof Values values
        ? other instanceof Values others && others.width() == values.width()
        : other instanceof ClassIds;
  }

  /**
   * One class for each sequence.
   *
   * @param ids of the classes, each at least 0
   */
  record ClassIds(int[] ids) implements SequenceLabels {

    /**
     * Checks that no id is negative.
     *
     * @throws IllegalArgumentException naming the first that is
     */
    public ClassIds {
      for (int i = 0; i < ids.length; i++) {
        if (ids[i] < 0) {
          throw new IllegalArgumentException(
              "the class of sequence " + i + " is negative: " + ids[i]);
        }
      }
    }

    @Override
    public int size() {
      return ids.length;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof ClassIds that && Arrays.equals(ids, that.ids);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(ids);
    }

    @Override
    public String toString() {
      return "ClassIds" + Arrays.toString(ids);
    }
  }

  /**
   * Numbers for each sequence: targets of a regression, or for each class 1 if the sequence belongs
   * to it and 0 if not.
   *
   * @param width how many for each sequence, at least 1
   * @param values all finite, row-major {@code [sequences, width]}
   */
  record Values(int width, float[] values) implements SequenceLabels {

    /**
     * Checks the sizes, and that all numbers are finite.
     *
     * @throws IllegalArgumentException naming what is wrong
     */
    public Values {
      if (width < 1 || values.length % width != 0) {
        throw new IllegalArgumentException(
            "expected at least one number for each sequence, found "
                + values.length
                + " numbers of width "
                + width);
      }
      for (int i = 0; i < values.length; i++) {
        if (!Float.isFinite(values[i])) {
          throw new IllegalArgumentException(
              "value " + i % width + " of sequence " + i / width + " is " + values[i]);
        }
      }
    }

    @Override
    public int size() {
      return values.length / width;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Values that
          && width == that.width
          && Arrays.equals(values, that.values);
    }

    @Override
    public int hashCode() {
      return 31 * Arrays.hashCode(values) + width;
    }

    @Override
    public String toString() {
      return "Values" + Arrays.toString(values);
    }
  }
}
