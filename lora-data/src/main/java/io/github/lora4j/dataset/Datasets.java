package io.github.lora4j.dataset;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.error.DatasetException;
import java.nio.file.Path;

/** Reads data files into memory. */
public final class Datasets {

  private Datasets() {}

  /**
   * Reads a CSV file (RFC 4180) in UTF-8 whose first row names the columns.
   *
   * <p>Fields can be quoted and then hold delimiters and line breaks; lines end with LF, CRLF or
   * CR; empty lines are skipped; values are kept exactly, spaces included.
   *
   * @throws DatasetException if the file is missing, empty, not UTF-8, or a row does not fit the
   *     header; it names file, line and column
   * @throws java.io.UncheckedIOException if the disk fails
   */
  public static Dataset<Row> csv(Path file) {
    return csv(file, CsvOptions.builder().build());
  }

  /**
   * Reads a file of delimited values.
   *
   * @throws DatasetException if the file is missing, empty, not in the encoding, or a row does not
   *     fit the header; it names file, line and column
   * @throws java.io.UncheckedIOException if the disk fails
   */
  public static Dataset<Row> csv(Path file, CsvOptions options) {
    return new CsvReader(file, options).read();
  }

  /** Reads a file of values separated by tabs, otherwise like {@link #csv(Path)}. */
  public static Dataset<Row> tsv(Path file) {
    return csv(file, CsvOptions.builder().delimiter('\t').build());
  }
}
