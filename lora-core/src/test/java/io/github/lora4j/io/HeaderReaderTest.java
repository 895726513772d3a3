package io.github.lora4j.io;

import static io.github.lora4j.io.RawFile.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class HeaderReaderTest {

  @TempDir Path folder;

  @Test
  void readsTensorsInTheOrderOfTheirData() {
    String second = entry("b", "F32", "[2,1]", 2, 10);
    String first = entry("a", "U8", "[2]", 0, 2);
    String header = "{" + second + ",\"__metadata__\":{\"k\":\"v\"}," + first + "}  ";
    Header read = read(header, 10);
    int start = 8 + header.length();
    assertThat(read.tensors().keySet()).containsExactly("a", "b");
    TensorInfo b = read.tensors().get("b");
    assertThat(b.dtypeName()).isEqualTo("F32");
    assertThat(b.shape()).containsExactly(2L, 1L);
    assertThat(b.byteOffset()).isEqualTo(start + 2);
    assertThat(b.byteSize()).isEqualTo(8);
    assertThat(b.elementCount()).isEqualTo(2);
    assertThat(read.metadata()).containsExactly(Map.entry("k", "v"));
    assertThat(read.fileSize()).isEqualTo(start + 10);
  }

  @Test
  void readsScalarsAndEmptyTensorsAndEmptyFiles() {
    String scalar = entry("s", "I64", "[]", 0, 8);
    String none = entry("e", "F16", "[3,0,2]", 8, 8);
    Header read = read("{" + none + "," + scalar + "}", 8);
    assertThat(read.tensors().get("s").elementCount()).isEqualTo(1);
    assertThat(read.tensors().get("e").elementCount()).isZero();
    assertThat(read("{}", 0).tensors()).isEmpty();
  }

  @Test
  void ignoresFieldsOfLaterVersions() {
    String header =
        "{\"a\":{\"new\":{\"x\":[1]},\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
    assertThat(read(header, 1).tensors()).containsOnlyKeys("a");
  }

  @Test
  void checksTheSizeOfTypesThatNoTensorCanHave() {
    assertThat(read("{" + entry("a", "F4", "[4]", 0, 2) + "}", 2).tensors()).containsKey("a");
    assertThat(read("{" + entry("a", "U64", "[1]", 0, 8) + "}", 8).tensors()).containsKey("a");
    assertRefused("{" + entry("a", "F4", "[3]", 0, 2) + "}", 2, "do not fill whole bytes");
    assertRefused("{" + entry("a", "F8_E4M3", "[3]", 0, 2) + "}", 2, "take 3 bytes");
  }

  static List<Arguments> badHeaders() {
    long max = Long.MAX_VALUE;
    String a = entry("a", "U8", "[2]", 0, 2);
    return List.of(
        Arguments.of("", 0, "does not begin with '{'"),
        Arguments.of(" {}", 0, "does not begin with '{'"),
        Arguments.of("[]", 0, "does not begin with '{'"),
        Arguments.of("{", 0, "is not valid JSON"),
        Arguments.of("{} x", 0, "is not valid JSON"),
        Arguments.of("{}{}", 0, "after its closing brace"),
        Arguments.of("{" + a + "," + a + "}", 2, "Duplicate field 'a'"),
        Arguments.of("{" + a + "," + a.replace("\"a\"", "\"\\u0061\"") + "}", 2, "Duplicate field"),
        Arguments.of("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "Duplicate field"),
        Arguments.of("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0, "Duplicate field"),
        Arguments.of("{\"__metadata__\":[]}", 0, "no an object where __metadata__ is"),
        Arguments.of("{\"__metadata__\":{\"n\":1}}", 0, "no a string where __metadata__.'n' is"),
        Arguments.of("{\"__metadata__\":{\"n\":null}}", 0, "__metadata__.'n'"),
        Arguments.of("{\"a\":1}", 0, "tensor 'a'"),
        Arguments.of("{\"a\":{}}", 0, "expected a dtype, a shape and two data_offsets"),
        Arguments.of("{\"\\ud800\":{}}", 0, "Broken surrogate pair"),
        Arguments.of("{\"\\udc00\":{}}", 0, "surrogate"),
        Arguments.of("{\"a\":" + "[".repeat(50) + "]".repeat(50) + "}", 0, "tensor 'a'"),
        Arguments.of("{\"a\":{\"x\":" + "[".repeat(50) + "]".repeat(50) + "}}", 0, "nesting depth"),
        Arguments.of("{" + entry("a", "F33", "[2]", 0, 2) + "}", 2, "unknown dtype 'F33'"),
        Arguments.of("{" + entry("a", "u8", "[2]", 0, 2) + "}", 2, "unknown dtype 'u8'"),
        Arguments.of("{" + entry("a", "U8", "[-2]", 0, 2) + "}", 2, "whole number of at least 0"),
        Arguments.of("{" + entry("a", "U8", "[-0]", 0, 0) + "}", 0, "whole number of at least 0"),
        Arguments.of("{" + entry("a", "U8", "[2.0]", 0, 2) + "}", 2, "whole number of at least 0"),
        Arguments.of("{" + entry("a", "U8", "[1e9]", 0, 2) + "}", 2, "whole number of at least 0"),
        Arguments.of("{" + entry("a", "U8", "[\"2\"]", 0, 2) + "}", 2, "whole number"),
        Arguments.of("{" + entry("a", "U8", "[[2]]", 0, 2) + "}", 2, "whole number"),
        Arguments.of("{" + entry("a", "U8", "2", 0, 2) + "}", 2, "no an array where the shape of"),
        Arguments.of("{" + entry("a", "U8", "[9223372036854775808]", 0, 2) + "}", 2, "over 2^63"),
        Arguments.of("{" + entry("a", "U8", "[" + "9".repeat(60) + "]", 0, 2) + "}", 2, "JSON"),
        Arguments.of(
            "{" + entry("a", "U8", "[" + max + "," + max + "]", 0, 2) + "}", 2, "larger than 2^63"),
        Arguments.of(
            "{" + entry("a", "U8", "[0," + max + "," + max + "]", 0, 0) + "}", 0, "larger than"),
        Arguments.of(
            "{" + entry("a", "U8", "[" + "1,".repeat(64) + "2]", 0, 2) + "}", 2, "more than 64"),
        Arguments.of("{" + entry("a", "U8", "[2]", 2, 0) + "}", 2, "after their end"),
        Arguments.of(
            "{" + entry("a", "U8", "[3]", 0, 2) + "}", 2, "take 3 bytes, but data_offsets span 2"),
        Arguments.of("{" + entry("a", "U8", "[3]", 0, 3) + "}", 2, "data end at byte"),
        Arguments.of("{" + entry("a", "U8", "[2]", max - 2, max) + "}", 2, "beyond any file"),
        Arguments.of("{" + entry("a", "U8", "[0]", max, max) + "}", 0, "beyond any file"),
        Arguments.of("{" + entry("a", "U8", "[0]", 5, 5) + "}", 0, "data end at byte"),
        Arguments.of("{" + a.replace("[0,2]", "[0,2,2]") + "}", 2, "more than 2 numbers"),
        Arguments.of("{" + a.replace("[0,2]", "[0]") + "}", 2, "two data_offsets"),
        Arguments.of("{" + a + "," + entry("b", "U8", "[2]", 1, 3) + "}", 3, "'b': data overlap"),
        Arguments.of("{" + a + "," + entry("b", "U8", "[2]", 0, 2) + "}", 2, "data overlap"),
        Arguments.of("{" + a + "," + entry("b", "U8", "[2]", 3, 5) + "}", 5, "'b': 1 bytes before"),
        Arguments.of("{" + a + "}", 3, "1 bytes at the end belong to no tensor"));
  }

  @Test
  void aPointerOfGitLfsIsSaidToBeOne() throws IOException {
    Path file = folder.resolve("model.safetensors");
    Files.writeString(
        file, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 134\n");
    assertThatThrownBy(() -> HeaderReader.read(file))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("git lfs pull");
  }

  @ParameterizedTest
  @MethodSource("badHeaders")
  void refusesABadHeader(String header, int dataBytes, String expected) {
    assertRefused(header, dataBytes, expected);
  }

  @ParameterizedTest
  @CsvSource({
    "7, 1, found 7; the file is cut off",
    "0, 1, found 0; the file is cut off",
    "100, 93, the header claims 93 bytes",
    "100, 100000000, the header claims 100000000 bytes",
    "100, 100000001, more than the format's limit",
    "100, 9223372036854775807, more than the format's limit",
    "100, -1, the header claims 18446744073709551615 bytes",
  })
  void refusesALengthThatTheFileDoesNotHave(int fileSize, long claimed, String expected) {
    byte[] bytes = new byte[Math.max(fileSize, 8)];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(claimed);
    Path file = RawFile.write(folder, "x.safetensors", Arrays.copyOf(bytes, fileSize));
    assertThatThrownBy(() -> HeaderReader.read(file))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(expected);
  }

  @Test
  void refusesOtherEncodings() {
    for (byte[] json :
        List.of(
            new byte[] {'{', (byte) 0xC0, (byte) 0x80, '}'},
            new byte[] {'{', '"', (byte) 0xED, (byte) 0xA0, (byte) 0x80, '"', '}'},
            "{}".getBytes(StandardCharsets.UTF_16LE))) {
      byte[] bytes = new byte[8 + json.length];
      bytes[0] = (byte) json.length;
      System.arraycopy(json, 0, bytes, 8, json.length);
      Path file = RawFile.write(folder, "x.safetensors", bytes);
      assertThatThrownBy(() -> HeaderReader.read(file))
          .isInstanceOf(CheckpointFormatException.class)
          .hasMessageContaining("not valid");
    }
  }

  @Test
  void shortensAndCleansNamesInMessages() {
    String name = "\\u001b[31m" + "n".repeat(10_000);
    assertThatThrownBy(() -> read("{" + entry(name, "F33", "[]", 0, 0) + "}", 0))
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(600).doesNotContain("\u001b"));
  }

  @Test
  void saysWhichFileIsMissingOrNoFile() {
    Path missing = folder.resolve("none.safetensors");
    assertThatThrownBy(() -> HeaderReader.read(missing))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(missing.toString());
    assertThatThrownBy(() -> HeaderReader.read(folder))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("expected a SafeTensors file");
  }

  private Header read(String header, int dataBytes) {
    return HeaderReader.read(RawFile.write(folder, "x.safetensors", header, dataBytes));
  }

  private void assertRefused(String header, int dataBytes, String expected) {
    assertThatThrownBy(() -> read(header, dataBytes))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(folder.resolve("x.safetensors").toString())
        .hasMessageContaining(expected);
  }
}
