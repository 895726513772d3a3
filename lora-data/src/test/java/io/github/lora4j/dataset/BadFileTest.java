package io.github.lora4j.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.error.DatasetException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each bad file is an error that names file, line, column, what was expected and found. */
class BadFileTest {

  @TempDir Path temp;

  private AbstractThrowableAssert<?, ?> bad(String text) throws IOException {
    return bad(text.getBytes(StandardCharsets.UTF_8));
  }

  private AbstractThrowableAssert<?, ?> bad(byte[] bytes) throws IOException {
    Path file = Files.write(temp.resolve("train.csv"), bytes);
    return assertThatThrownBy(() -> Datasets.csv(file)).isInstanceOf(DatasetException.class);
  }

  private String at(long line, String column) {
    return temp.resolve("train.csv") + ", line " + line + ", column " + column + ": ";
  }

  @Test
  void aMissingFile() {
    assertThatThrownBy(() -> Datasets.csv(temp.resolve("no.csv")))
        .isInstanceOf(DatasetException.class)
        .hasMessage("there is no file " + temp.resolve("no.csv"));
    assertThatThrownBy(() -> Datasets.csv(temp))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("is not a file");
  }

  @Test
  void anEmptyFile() throws IOException {
    String expected = at(1, "1") + "expected the names of the columns, found an empty file";
    bad("").hasMessage(expected);
    bad("\uFEFF").hasMessage(expected);
    bad("\r\n\n").hasMessage(expected);
  }

  @Test
  void aHeaderWithoutRows() throws IOException {
    bad("a,b\n").hasMessage(at(2, "1") + "expected at least one row of data, found none");
  }

  @Test
  void aHeaderWithAnEmptyOrDuplicateName() throws IOException {
    bad("a,,c\n1,2,3\n").hasMessage(at(1, "2") + "expected a column's name, found none");
    bad("\na, \n1,2\n").hasMessage(at(2, "2") + "expected a column's name, found none");
    bad("a,b,a\n1,2,3\n")
        .hasMessage(at(1, "3") + "expected a name of its own, found \"a\" for the second time");
  }

  @Test
  void aRowWithTooFewOrTooManyFields() throws IOException {
    bad("a,b\n1,2\n\n3\n")
        .hasMessageStartingWith(at(4, "\"b\"") + "expected 2 fields (a, b), found 1");
    bad("a,b\n\"1\n\",2\n3,4,5\n")
        .hasMessageStartingWith(at(4, "3") + "expected 2 fields (a, b), found 3")
        .hasMessageContaining("must be quoted");
    bad("a,b\n \n").hasMessageStartingWith(at(2, "\"b\""));
  }

  @Test
  void textBehindAClosingQuotationMark() throws IOException {
    bad("a,b\n1,2\n3,\"x\ny\"z\n5,6\n")
        .hasMessageStartingWith(at(3, "\"b\"") + "expected the delimiter")
        .hasMessageContaining("found other text on line 4");
    bad("\"a\"b,c\n1,2\n").hasMessageStartingWith(at(1, "1") + "expected the delimiter");
    bad("a,b\n\"x\"y").hasMessageStartingWith(at(2, "\"a\"") + "expected the delimiter");
  }

  @Test
  void aQuotationMarkThatIsNeverClosed() throws IOException {
    bad("a,b\n1,\"2\n3,4\n5,6\n")
        .hasMessage(
            at(2, "\"b\"")
                + "expected a quotation mark at the end of the field, found the end of the file");
    bad("\"a,b\n1,2\n").hasMessageStartingWith(at(1, "1") + "expected a quotation mark");
    bad("a,b\n1,\"").hasMessageStartingWith(at(2, "\"b\"") + "expected a quotation mark");
  }

  @Test
  void bytesThatAreNotInTheEncoding() throws IOException {
    bad("a,b\n1,2\n3,caf\u00e9\n".getBytes(StandardCharsets.ISO_8859_1))
        .hasMessageStartingWith(at(3, "\"b\"") + "expected text in UTF-8, found the bytes E9")
        .hasMessageContaining("charset");
    bad("a,b\n1,\"\n\u00e9\"\n".getBytes(StandardCharsets.ISO_8859_1))
        .hasMessageStartingWith(at(3, "\"b\""));
    bad("a,b\n\u00e9,2\n".getBytes(StandardCharsets.ISO_8859_1))
        .hasMessageStartingWith(at(2, "\"a\""));
    bad("a,\u00e9\n1,2\n".getBytes(StandardCharsets.ISO_8859_1)).hasMessageStartingWith(at(1, "2"));
    bad(new byte[] {'a', '\n', '1', (byte) 0xE2, (byte) 0x82})
        .hasMessageStartingWith(at(2, "\"a\"") + "expected text in UTF-8, found the bytes E2 82");
    bad("a,b\n1,2\n".getBytes(StandardCharsets.UTF_16LE))
        .hasMessageStartingWith(at(1, "1") + "expected text in UTF-8, found the bytes 00");
    byte[] marked = "\uFEFFa,b\n1,2\n".getBytes(StandardCharsets.UTF_16LE);
    bad(marked).hasMessageContaining("FF, which begin a file in UTF-16");
  }

  @Test
  void aColumnThatIsNotThere() throws IOException {
    Path file = Files.writeString(temp.resolve("train.csv"), "id,Question,answer\n1,2,3\n");
    Row row = Datasets.csv(file).get(0);
    assertThatThrownBy(() -> row.get("question"))
        .isInstanceOf(DatasetException.class)
        .hasMessage(
            at(2, "\"question\"")
                + "no such column; the file has \"Question\", \"id\", \"answer\"");
  }

  @Test
  void optionsThatContradictEachOther() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CsvOptions.builder().delimiter('"').build())
        .withMessageContaining("both '\"'");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CsvOptions.builder().delimiter('\n').build())
        .withMessageContaining("line break");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CsvOptions.builder().header("a", "a").build())
        .withMessageContaining("\"a\"");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CsvOptions.builder().header("a", " ").build());
  }

  @Test
  void rowsCompareByContent() {
    Row row = Row.of("x.csv", 3, Map.of("a", "1"));
    assertThat(row)
        .isEqualTo(Row.of(Map.of("a", "1")))
        .hasSameHashCodeAs(Row.of(Map.of("a", "1")))
        .isNotEqualTo(Row.of(Map.of("b", "1")))
        .isNotEqualTo(Row.of(Map.of("a", "2")))
        .hasToString("Row[x.csv, line 3: {a=1}]");
  }
}
