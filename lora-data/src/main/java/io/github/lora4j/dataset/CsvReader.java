package io.github.lora4j.dataset;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.error.DatasetException;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.jspecify.annotations.Nullable;

/** Reads one file of delimited values and locates what is wrong with it. */
final class CsvReader {

  private final Path file;
  private final CsvOptions options;
  private final CSVFormat format;
  private final CsvText content;
  private final List<Row> rows = new ArrayList<>();
  private @Nullable Columns columns;

  CsvReader(Path file, CsvOptions options) {
    this.file = file;
    this.options = options;
    // Empty lines are skipped here, not by the parser, which would lose count of the lines.
    this.format =
        CSVFormat.Builder.create()
            .setDelimiter(options.delimiter())
            .setQuote(options.quote().orElse(null))
            .setIgnoreEmptyLines(false)
            .get();
    this.content = CsvText.read(file, options.charset());
  }

  Dataset<Row> read() {
    if (!content.malformed().isEmpty()) {
      throw malformed();
    }
    if (!options.header().isEmpty()) {
      columns = new Columns(options.header());
    }
    long line = 1;
    try (CSVParser parser = CSVParser.parse(new StringReader(content.text()), format)) {
      Iterator<CSVRecord> records = parser.iterator();
      while (records.hasNext()) {
        accept(records.next(), line);
        line = parser.getCurrentLineNumber() + 1;
      }
    } catch (IOException | UncheckedIOException e) {
      throw badQuotes(line, e);
    }
    if (columns == null) {
      throw new DatasetException(
          file + ", line 1, column 1: expected the names of the columns, found an empty file");
    }
    if (rows.isEmpty()) {
      throw new DatasetException(
          file + ", line " + line + ", column 1: expected at least one row of data, found none");
    }
    Path name = file.getFileName();
    return Dataset.of(rows, name == null ? file.toString() : name.toString(), columns.names());
  }

  private void accept(CSVRecord csvRecord, long line) {
    if (isEmptyLine(csvRecord)) {
      return;
    }
    Columns known = columns;
    if (known == null) {
      columns = header(csvRecord, line);
      return;
    }
    int expected = known.names().size();
    int found = csvRecord.size();
    if (found != expected) {
      String column =
          found < expected ? '"' + known.names().get(found) + '"' : String.valueOf(expected + 1);
      throw new DatasetException(
          where(line, column)
              + "expected "
              + expected
              + (expected == 1 ? " field (" : " fields (")
              + String.join(", ", known.names())
              + "), found "
              + found
              + ": a field that contains the delimiter or a line break must be quoted");
    }
    rows.add(new Row(file.toString(), line, known, csvRecord.toList()));
  }

  /** Tells an empty line from a line that holds one quoted empty field. */
  private boolean isEmptyLine(CSVRecord csvRecord) {
    if (csvRecord.size() != 1 || !csvRecord.get(0).isEmpty()) {
      return false;
    }
    int start = (int) csvRecord.getCharacterPosition();
    return start >= content.text().length() || "\r\n".indexOf(content.text().charAt(start)) >= 0;
  }

  private Columns header(CSVRecord names, long line) {
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < names.size(); i++) {
      if (names.get(i).isBlank()) {
        throw new DatasetException(
            where(line, String.valueOf(i + 1)) + "expected a column's name, found none");
      }
      if (!seen.add(names.get(i))) {
        throw new DatasetException(
            where(line, String.valueOf(i + 1))
                + "expected a name of its own, found \""
                + names.get(i)
                + "\" for the second time");
      }
    }
    return new Columns(names.toList());
  }

  private String where(long line, String column) {
    return file + ", line " + line + ", column " + column + ": ";
  }

  private DatasetException malformed() {
    String before = content.text();
    boolean utf16 = before.isEmpty() && Set.of("FF", "FE").contains(content.malformed());
    return new DatasetException(
        where(content.lineAt(before.length()), columnAt(0, before.length()))
            + "expected text in "
            + options.charset()
            + ", found the bytes "
            + content.malformed()
            + (utf16 ? ", which begin a file in UTF-16" : "")
            + ": save the file in "
            + options.charset()
            + " or set CsvOptions' charset to the file's own");
  }

  private DatasetException badQuotes(long line, Exception cause) {
    int start = content.startOf(line);
    int end = firstFailure(start);
    boolean unclosed = end > content.text().length();
    end = Math.min(end, content.text().length());
    return new DatasetException(
        where(line, columnAt(start, end))
            + (unclosed
                ? "expected a quotation mark at the end of the field, found the end of the file"
                : "expected the delimiter after the closing quotation mark, found other text on"
                    + " line "
                    + content.lineAt(end - 1)
                    + ": write a quotation mark inside a quoted field twice"),
        cause);
  }

  /**
   * Returns the length of the shortest text whose quotes the parser refuses, or more than there is
   * if only the end of the file is missing.
   */
  private int firstFailure(int start) {
    CSVFormat openEnded = format.builder().setLenientEof(true).get();
    int good = start;
    int bad = content.text().length() + 1;
    while (bad - good > 1) {
      int middle = (good + bad) >>> 1;
      if (parses(content.text().substring(start, middle), openEnded)) {
        good = middle;
      } else {
        bad = middle;
      }
    }
    return bad;
  }

  private static boolean parses(String text, CSVFormat format) {
    try (CSVParser parser = CSVParser.parse(new StringReader(text), format)) {
      parser.iterator().forEachRemaining(ignored -> {});
      return true;
    } catch (IOException | UncheckedIOException e) {
      return false;
    }
  }

  /** Names the column that the text from start (where a row begins) to end breaks off in. */
  private String columnAt(int start, int end) {
    CSVFormat lenient = format.builder().setLenientEof(true).setTrailingData(true).get();
    // A character more, so that there is a last field even at the beginning of a row.
    String text = content.text().substring(start, end) + "?";
    List<String> names = columns == null ? options.header() : columns.names();
    int fields = 0;
    try (CSVParser parser = CSVParser.parse(new StringReader(text), lenient)) {
      for (Iterator<CSVRecord> records = parser.iterator(); records.hasNext(); ) {
        CSVRecord csvRecord = records.next();
        fields = csvRecord.size();
        boolean blank = fields == 1 && csvRecord.get(0).isEmpty();
        if (names.isEmpty() && !blank && records.hasNext()) {
          names = csvRecord.toList();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot parse " + file, e);
    }
    return fields <= names.size() ? '"' + names.get(fields - 1) + '"' : String.valueOf(fields);
  }
}
