package io.github.lora4j.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.Dataset;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetsTest {

  @TempDir Path temp;

  private Path file(String text) throws IOException {
    return Files.writeString(temp.resolve("train.csv"), text);
  }

  private static List<Map<String, String>> values(Dataset<Row> data) {
    return data.stream().map(Row::toMap).toList();
  }

  private static List<Long> lines(Dataset<Row> data) {
    return data.stream().map(Row::line).toList();
  }

  @Test
  void readsRowsByColumnName() throws IOException {
    Dataset<Row> data = Datasets.csv(file("question,answer\nWhy?,So.\n Who ,\n"));
    assertThat(data).hasToString("Dataset[train.csv: 2 rows, columns question, answer]");
    assertThat(data.get(0).get("answer")).isEqualTo("So.");
    assertThat(data.get(1).toMap()).isEqualTo(Map.of("question", " Who ", "answer", ""));
    assertThat(data.get(1).columns()).containsExactly("question", "answer");
    assertThat(data.get(1).has("answer")).isTrue();
    assertThat(data.get(1).has("line")).isFalse();
    assertThat(data.get(1).source()).isEqualTo(temp.resolve("train.csv").toString());
  }

  @Test
  void keepsQuotedDelimitersQuotesAndLineBreaksExactly() throws IOException {
    Dataset<Row> data = Datasets.csv(file("a,b\n\"x, \"\"y\"\"\",\"1\r\n2\n3\"\n"));
    assertThat(data.get(0).toMap()).isEqualTo(Map.of("a", "x, \"y\"", "b", "1\r\n2\n3"));
  }

  @Test
  void givesTheLineOnWhichARowStarts() throws IOException {
    for (String end : List.of("\n", "\r\n", "\r")) {
      String text = "\na,b\n1,\"x\n\ny\"\n\n\n2,3\n\"4\n\",5".replace("\n", end);
      Dataset<Row> data = Datasets.csv(file(text));
      assertThat(lines(data)).as(text).containsExactly(3L, 8L, 9L);
      assertThat(data.get(0).get("b")).isEqualTo("x\n\ny".replace("\n", end));
    }
  }

  @Test
  void skipsEmptyLinesButNotQuotedEmptyFields() throws IOException {
    Dataset<Row> data = Datasets.csv(file("a\n\n\"\"\n\nx\n\n"));
    assertThat(values(data)).containsExactly(Map.of("a", ""), Map.of("a", "x"));
    assertThat(lines(data)).containsExactly(3L, 5L);
  }

  @Test
  void readsAFileWithAByteOrderMark() throws IOException {
    assertThat(Datasets.csv(file("\uFEFFa,b\n1,2\n")).columns()).containsExactly("a", "b");
    Path wide = temp.resolve("wide.csv");
    Files.writeString(wide, "a,b\n1,é\n", StandardCharsets.UTF_16);
    CsvOptions options = CsvOptions.builder().charset(StandardCharsets.UTF_16).build();
    assertThat(Datasets.csv(wide, options).get(0).get("b")).isEqualTo("é");
  }

  @Test
  void readsOtherDelimitersQuotesEncodingsAndFilesWithoutAHeader() throws IOException {
    Path tabs = Files.writeString(temp.resolve("t.tsv"), "a\tb\n1, 2\t\"3\t4\"\n");
    assertThat(values(Datasets.tsv(tabs))).containsExactly(Map.of("a", "1, 2", "b", "3\t4"));
    Path file = temp.resolve("latin.csv");
    Files.write(file, "é;'x;y'\n\"q\";2\n".getBytes(Charset.forName("windows-1252")));
    CsvOptions options =
        CsvOptions.builder()
            .delimiter(';')
            .quote('\'')
            .charset(Charset.forName("windows-1252"))
            .header("a", "b")
            .build();
    Dataset<Row> data = Datasets.csv(file, options);
    assertThat(values(data))
        .containsExactly(Map.of("a", "é", "b", "x;y"), Map.of("a", "\"q\"", "b", "2"));
    assertThat(lines(data)).containsExactly(1L, 2L);
    CsvOptions plain = CsvOptions.builder().delimiter('\t').noQuote().build();
    Files.writeString(tabs, "a\tb\n\"1\t2\"\n");
    assertThat(values(Datasets.csv(tabs, plain))).containsExactly(Map.of("a", "\"1", "b", "2\""));
  }

  @Provide
  static Arbitrary<List<List<String>>> tables() {
    Arbitrary<String> field =
        Arbitraries.strings()
            .withChars("ab \"',;\t\r\né日\u00a0#\\")
            .ofMaxLength(6)
            .injectDuplicates(0.1);
    return field.list().ofSize(3).list().ofMinSize(1).ofMaxSize(6);
  }

  @Property(tries = 500)
  void readsBackWhateverIsQuotedByTheRules(@ForAll("tables") List<List<String>> table)
      throws IOException {
    String text =
        table.stream()
            .map(
                fields ->
                    fields.stream()
                        .map(field -> '"' + field.replace("\"", "\"\"") + '"')
                        .collect(Collectors.joining(",")))
            .collect(Collectors.joining("\n", "a,b,c\n", ""));
    Path file = Files.createTempFile("table", ".csv");
    try {
      Files.writeString(file, text);
      Dataset<Row> data = Datasets.csv(file);
      assertThat(data.map(row -> List.copyOf(row.toMap().values())).rows()).isEqualTo(table);
      long line = 2;
      for (int i = 0; i < table.size(); i++) {
        assertThat(data.get(i).line()).isEqualTo(line);
        line += String.join(",", table.get(i)).split("\r\n|\r|\n", -1).length;
      }
    } finally {
      Files.delete(file);
    }
  }
}
