package io.github.lora4j.data;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Rows held in memory: immutable, in a fixed order.
 *
 * <p>Every method that changes something returns a new dataset, which remembers the source for
 * {@link #toString()}. A dataset may be read by several threads at once.
 *
 * @param <T> the type of a row
 */
public final class Dataset<T> implements Iterable<T> {

  private final List<T> rows;
  private final String source;
  private final List<String> columns;

  private Dataset(List<T> rows, String source, List<String> columns) {
    this.rows = rows;
    this.source = source;
    this.columns = columns;
  }

  /** Returns a dataset of a copy of these rows, from no source worth naming. */
  public static <T> Dataset<T> of(List<? extends T> rows) {
    return of(rows, "memory", List.of());
  }

  /**
   * Returns a dataset of a copy of these rows.
   *
   * @param source where they come from, such as a file's name; for {@link #toString()}
   * @param columns the names of their columns, for {@link #toString()}; empty if they have none
   */
  public static <T> Dataset<T> of(List<? extends T> rows, String source, List<String> columns) {
    return new Dataset<>(
        List.copyOf(rows), Objects.requireNonNull(source, "source"), List.copyOf(columns));
  }

  /** Returns the number of rows. */
  public int size() {
    return rows.size();
  }

  /** Returns whether there are no rows. */
  public boolean isEmpty() {
    return rows.isEmpty();
  }

  /**
   * Returns a row.
   *
   * @throws IndexOutOfBoundsException if the index is not from 0 to size - 1
   */
  public T get(int index) {
    if (index < 0 || index >= rows.size()) {
      throw new IndexOutOfBoundsException("row " + index + " of " + this);
    }
    return rows.get(index);
  }

  /** Returns the rows as an unmodifiable list. */
  public List<T> rows() {
    return rows;
  }

  /** Returns where the rows come from, such as a file's name. */
  public String source() {
    return source;
  }

  /** Returns the names of the columns; empty if the rows have none. */
  public List<String> columns() {
    return columns;
  }

  /** Returns the dataset of this function's results, computed now, so that a bad row fails now. */
  public <R> Dataset<R> map(Function<? super T, ? extends R> function) {
    List<R> mapped = new ArrayList<>(rows.size());
    for (T row : rows) {
      mapped.add(function.apply(row));
    }
    return of(mapped, source, List.of());
  }

  /**
   * Returns what this function makes of the whole dataset, such as {@link Packing}: {@code
   * data.transform(Packing.of(1024))}.
   */
  public <R> R transform(Function<? super Dataset<T>, ? extends R> function) {
    return function.apply(this);
  }

  /** Returns the dataset of the rows that pass, in their order. */
  public Dataset<T> filter(Predicate<? super T> predicate) {
    return withRows(rows.stream().filter(predicate).toList(), source);
  }

  /**
   * Returns the same rows in an order drawn from the seed.
   *
   * <p>The order depends on the seed and the number of rows alone, on every platform: Fisher-Yates
   * from the last row down, with numbers of SplitMix64.
   */
  public Dataset<T> shuffle(long seed) {
    List<T> shuffled = new ArrayList<>(rows.size());
    for (int index : new SplitMix64(seed).permutation(rows.size())) {
      shuffled.add(rows.get(index));
    }
    return withRows(List.copyOf(shuffled), source);
  }

  /**
   * Shuffles by the seed and cuts the rows in two.
   *
   * @param trainFraction the part of the rows to train on, between 0 and 1; {@code size *
   *     trainFraction} is rounded to the nearest whole number of rows
   * @param seed as in {@link #shuffle}
   * @throws IllegalArgumentException if the fraction is not between 0 and 1, or a side would be
   *     empty
   */
  public Split<T> split(double trainFraction, long seed) {
    if (!(trainFraction > 0 && trainFraction < 1)) {
      throw new IllegalArgumentException(
          "trainFraction must be between 0 and 1, both excluded, found " + trainFraction);
    }
    int train = (int) Math.round(rows.size() * trainFraction);
    if (train == 0 || train == rows.size()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "a split of %s at %s leaves %d rows to train on and %d to validate on: both need at"
                  + " least one; choose another fraction or more rows",
              this,
              trainFraction,
              train,
              rows.size() - train));
    }
    List<T> shuffled = shuffle(seed).rows;
    return new Split<>(
        withRows(List.copyOf(shuffled.subList(0, train)), source + " (train)"),
        withRows(List.copyOf(shuffled.subList(train, rows.size())), source + " (validation)"));
  }

  private Dataset<T> withRows(List<T> newRows, String newSource) {
    return new Dataset<>(newRows, newSource, columns);
  }

  /** Returns a stream of the rows. */
  public Stream<T> stream() {
    return rows.stream();
  }

  @Override
  public Iterator<T> iterator() {
    return rows.iterator();
  }

  /** Describes the dataset: {@code Dataset[train.csv: 1,200 rows, columns question, answer]}. */
  @Override
  public String toString() {
    String names = columns.isEmpty() ? "" : ", columns " + String.join(", ", columns);
    return String.format(
        Locale.ROOT,
        "Dataset[%s: %,d %s%s]",
        source,
        rows.size(),
        rows.size() == 1 ? "row" : "rows",
        names);
  }

  /**
   * The two sides of a split.
   *
   * @param <T> the type of a row
   * @param train the rows to train on
   * @param validation the rows held out
   */
  public record Split<T>(Dataset<T> train, Dataset<T> validation) {}
}
