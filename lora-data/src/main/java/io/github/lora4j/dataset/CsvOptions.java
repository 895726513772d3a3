package io.github.lora4j.dataset;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * How to read a file of delimited values.
 *
 * @param delimiter what stands between two fields; default a comma
 * @param quote what stands around a field that contains the delimiter, a line break or, doubled,
 *     itself; empty if no character has this meaning; default a double quotation mark
 * @param charset the file's encoding; default UTF-8, with or without a byte order mark
 * @param header the names of the columns of a file whose first row is data already; empty, the
 *     default, if the file's first row names them
 */
public record CsvOptions(
    char delimiter, Optional<Character> quote, Charset charset, List<String> header) {

  /**
   * Checks that the characters can be told apart and that the names are distinct.
   *
   * @throws IllegalArgumentException naming the option that is wrong
   */
  public CsvOptions {
    header = List.copyOf(header);
    requireMark("delimiter", delimiter);
    quote.ifPresent(mark -> requireMark("quote", mark));
    if (quote.isPresent() && quote.get() == delimiter) {
      throw new IllegalArgumentException("quote and delimiter are both '" + delimiter + "'");
    }
    Set<String> seen = new HashSet<>();
    for (String name : header) {
      if (name.isBlank() || !seen.add(name)) {
        throw new IllegalArgumentException(
            "header must name each column, no two alike, found \"" + name + "\" in " + header);
      }
    }
  }

  private static void requireMark(String name, char mark) {
    if (mark == '\n' || mark == '\r' || Character.isSurrogate(mark)) {
      throw new IllegalArgumentException(
          name + " cannot be a line break or half a character, found " + (int) mark);
    }
  }

  /** Returns a builder that holds the defaults of CSV. */
  public static Builder builder() {
    return new Builder();
  }

  /** Sets options one by one. */
  public static final class Builder {

    private char delimiter = ',';
    private Optional<Character> quote = Optional.of('"');
    private Charset charset = StandardCharsets.UTF_8;
    private List<String> header = List.of();

    private Builder() {}

    /** Sets what stands between two fields; default a comma. */
    public Builder delimiter(char delimiter) {
      this.delimiter = delimiter;
      return this;
    }

    /** Sets what stands around a field that holds delimiters or line breaks; default {@code "}. */
    public Builder quote(char quote) {
      this.quote = Optional.of(quote);
      return this;
    }

    /** Takes quotation marks for text like any other; the default is to take them for quotes. */
    public Builder noQuote() {
      this.quote = Optional.empty();
      return this;
    }

    /** Sets the file's encoding; default UTF-8. */
    public Builder charset(Charset charset) {
      this.charset = charset;
      return this;
    }

    /** Names the columns of a file whose first row is data already; by default it names them. */
    public Builder header(String... names) {
      this.header = List.of(names);
      return this;
    }

    /**
     * Returns the options.
     *
     * @throws IllegalArgumentException if they contradict each other
     */
    public CsvOptions build() {
      return new CsvOptions(delimiter, quote, charset, header);
    }
  }
}
