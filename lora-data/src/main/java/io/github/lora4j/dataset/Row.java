package io.github.lora4j.dataset;

import io.github.lora4j.error.DatasetException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * One row of named columns that knows where it came from.
 *
 * <p>A row is immutable. Two rows are equal when they hold the same values under the same names,
 * wherever they came from.
 */
public final class Row {

  private final String source;
  private final long line;
  private final Columns columns;
  private final List<String> values;

  Row(String source, long line, Columns columns, List<String> values) {
    this.source = source;
    this.line = line;
    this.columns = columns;
    this.values = List.copyOf(values);
  }

  /**
   * Returns a row made in memory.
   *
   * @param source where it comes from, for messages
   * @param line its number there, for messages; the first is 1
   * @param values the values by column name, in the map's order
   */
  public static Row of(String source, long line, Map<String, String> values) {
    Columns columns = new Columns(List.copyOf(values.keySet()));
    return new Row(
        Objects.requireNonNull(source, "source"), line, columns, new ArrayList<>(values.values()));
  }

  /** Returns a row made in memory, of these values by column name, in the map's order. */
  public static Row of(Map<String, String> values) {
    return of("memory", 1, values);
  }

  /** Returns the file (or other place) that the row came from. */
  public String source() {
    return source;
  }

  /** Returns the line of the file on which the row starts; the first is 1. */
  public long line() {
    return line;
  }

  /** Returns the names of the columns, in the file's order. */
  public List<String> columns() {
    return columns.names();
  }

  /** Returns whether there is a column of this name. */
  public boolean has(String column) {
    return columns.index(column) >= 0;
  }

  /**
   * Returns the value in a column, exactly as the file has it; empty text where it has none.
   *
   * @throws DatasetException if there is no such column; it names file, line and the columns with
   *     the most similar names
   */
  public String get(String column) {
    int index = columns.index(column);
    if (index < 0) {
      throw error(column, "no such column; the file has " + columns.nearest(column));
    }
    return values.get(index);
  }

  /** Returns the values by column name, in the file's order. */
  public Map<String, String> toMap() {
    Map<String, String> map = new LinkedHashMap<>();
    for (int i = 0; i < values.size(); i++) {
      map.put(columns.names().get(i), values.get(i));
    }
    return map;
  }

  /**
   * Returns an error about one value of this row, to be thrown by whoever finds it wrong.
   *
   * @param column the column's name
   * @param problem what was expected, what was found and what to do
   */
  public DatasetException error(String column, String problem) {
    return new DatasetException(
        source + ", line " + line + ", column \"" + column + "\": " + problem);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Row that
        && values.equals(that.values)
        && columns().equals(that.columns());
  }

  @Override
  public int hashCode() {
    return 31 * columns().hashCode() + values.hashCode();
  }

  @Override
  public String toString() {
    return "Row[" + source + ", line " + line + ": " + toMap() + "]";
  }
}
