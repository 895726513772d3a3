package io.github.lora4j.benchmarks.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A Markdown table that reads well as plain text too. */
final class Table {

  private final List<List<String>> rows = new ArrayList<>();

  /** Adds a row; the first one holds the headings. */
  void row(List<String> cells) {
    rows.add(List.copyOf(cells));
  }

  @Override
  public String toString() {
    int columns = rows.get(0).size();
    int[] widths =
        IntStream.range(0, columns)
            .map(c -> rows.stream().mapToInt(row -> row.get(c).length()).max().orElse(0))
            .toArray();
    StringBuilder text = new StringBuilder(line(rows.get(0), widths));
    text.append(
        IntStream.range(0, columns)
            // A colon at the end puts numbers on the right.
            .mapToObj(c -> "-".repeat(widths[c] + 1) + (c == 0 ? "-" : ":"))
            .collect(Collectors.joining("|", "|", "|\n")));
    rows.stream().skip(1).forEach(row -> text.append(line(row, widths)));
    return text.toString();
  }

  private static String line(List<String> row, int[] widths) {
    return IntStream.range(0, widths.length)
        .mapToObj(
            c -> {
              String padding = " ".repeat(widths[c] - row.get(c).length());
              return c == 0 ? row.get(c) + padding : padding + row.get(c);
            })
        .collect(Collectors.joining(" | ", "| ", " |\n"));
  }
}
