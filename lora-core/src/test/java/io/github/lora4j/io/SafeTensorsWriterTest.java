package io.github.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafeTensorsWriterTest {

  @TempDir Path folder;
  private TensorScope scope;

  @BeforeEach
  void openScope() {
    scope = TensorScope.open();
  }

  @AfterEach
  void closeScope() {
    scope.close();
  }

  @Test
  void writesThePythonLibrarysVeryBytes() throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (DType dtype : DType.values()) {
      Tensor counting = Tensor.of(new long[] {0, 1, 2, 3, 4, 5}, 2, 3);
      tensors.put("t." + dtype.name().toLowerCase(Locale.ROOT), counting.to(dtype));
    }
    tensors.put("scalar", Tensor.of(new float[] {2.5f}));
    tensors.put("empty", Tensor.of(new float[0], 0, 3));
    tensors.put("grüße \"1\"\n", Tensor.of(new long[] {7}, 1));
    Path file = folder.resolve("new/folder/x.safetensors");
    SafeTensorsWriter.write(file, tensors);
    assertThat(file).hasSameBinaryContentAs(RawFile.fixture("all-dtypes.safetensors"));
  }

  @Test
  void writesViewsAndTensorsWithGradientsInRowMajorOrder() {
    Tensor base = Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
    Path file = folder.resolve("x.safetensors");
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("transposed", base.transpose(0, 1));
    tensors.put("column", base.narrow(1, 1, 1));
    tensors.put("expanded", Tensor.of(new float[] {8}, 1).expand(3));
    tensors.put("leaf", Tensor.of(new float[] {9}, 1).requiresGrad(true));
    tensors.put("tied", base);
    SafeTensorsWriter.write(file, tensors);
    try (SafeTensors read = SafeTensors.open(file)) {
      assertThat(read.tensor("transposed").toFloatArray()).containsExactly(1, 4, 2, 5, 3, 6);
      assertThat(read.tensor("column").shape()).containsExactly(2, 1);
      assertThat(read.tensor("column").toFloatArray()).containsExactly(2, 5);
      assertThat(read.tensor("expanded").toFloatArray()).containsExactly(8, 8, 8);
      assertThat(read.tensor("leaf").toFloatArray()).containsExactly(9);
      assertThat(read.tensor("tied").toFloatArray()).containsExactly(1, 2, 3, 4, 5, 6);
    }
    assertThat(base.isClosed()).isFalse();
  }

  @Test
  void addsMetadataToTheFormat() {
    Path file = folder.resolve("x.safetensors");
    SafeTensorsWriter.write(file, Map.of(), Map.of("run", "ü\"1\""));
    try (SafeTensors read = SafeTensors.open(file)) {
      assertThat(read.metadata())
          .containsOnly(Map.entry("format", "pt"), Map.entry("run", "ü\"1\""));
      assertThat(read.names()).isEmpty();
    }
  }

  @Test
  void dataBeginAligned() {
    for (String name : new String[] {"a", "ab", "abc", "abcd", "abcdefgh"}) {
      Path file = folder.resolve(name);
      SafeTensorsWriter.write(file, Map.of(name, Tensor.of(new long[] {5}, 1)));
      try (SafeTensors read = SafeTensors.open(file)) {
        assertThat(read.info(name).byteOffset() % 8).isZero();
      }
    }
  }

  @Test
  void refusesNamesThatTheFormatCannotHold() {
    Path file = folder.resolve("x.safetensors");
    Tensor tensor = Tensor.of(new float[] {1}, 1);
    assertThatThrownBy(() -> SafeTensorsWriter.write(file, Map.of("__metadata__", tensor)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("__metadata__");
    assertThatThrownBy(() -> SafeTensorsWriter.write(file, Map.of("\ud800", tensor)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Unicode");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aFailureLeavesTheOldFileAndNothingElse() throws IOException {
    Path file = folder.resolve("x.safetensors");
    Tensor tensor = Tensor.of(new float[] {1}, 1);
    SafeTensorsWriter.write(file, Map.of("old", tensor));
    byte[] before = Files.readAllBytes(file);
    // An interrupt closes the channel under the writer: a failure in the middle of the file.
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> SafeTensorsWriter.write(file, Map.of("new", tensor)))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(file.toString());
    assertThat(Thread.interrupted()).isTrue();
    assertThat(Files.readAllBytes(file)).isEqualTo(before);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void writesOverTheFileThatItsTensorsAreMappedFrom() {
    Path file = folder.resolve("x.safetensors");
    SafeTensorsWriter.write(file, Map.of("a", Tensor.of(new float[] {1, 2}, 2)));
    try (SafeTensors read = SafeTensors.open(file)) {
      SafeTensorsWriter.write(file, Map.of("b", read.tensor("a"), "c", read.tensor("a")));
    }
    try (SafeTensors read = SafeTensors.open(file)) {
      assertThat(read.tensor("c").toFloatArray()).containsExactly(1, 2);
    }
  }

  @Test
  void holdsNothingAfterwards() {
    Map<String, Tensor> tensors =
        Map.of("a", Tensor.of(new float[] {1, 2, 3, 4}, 2, 2).transpose(0, 1));
    SafeTensorsWriter.write(folder.resolve("x"), tensors);
    long before = NativeMemory.liveHandles();
    for (int i = 0; i < 50; i++) {
      SafeTensorsWriter.write(folder.resolve("x"), tensors);
    }
    assertThat(NativeMemory.liveHandles()).isLessThanOrEqualTo(before);
  }

  @Test
  void laysOutTensorsOverTwoGigabytes() throws IOException {
    long size = (2L << 30) + 5;
    Assumptions.assumeTrue(
        Files.getFileStore(folder).getUsableSpace() > 2 * size, "needs 4 GB of free disk");
    Path source = folder.resolve("source");
    try (RandomAccessFile file = new RandomAccessFile(source.toFile(), "rw")) {
      file.setLength(size); // a hole: takes no memory and no disk
      file.seek(size - 1);
      file.write(77);
    }
    Tensor large = Tensor.mapFile(source, size);
    String header =
        StandardCharsets.UTF_8
            .decode(
                HeaderWriter.write(
                    HeaderWriter.inFileOrder(Map.of("large", large, "alike", large)), Map.of()))
            .toString();
    assertThat(header)
        .contains(
            "\"alike\":{\"dtype\":\"U8\",\"shape\":[2147483653],\"data_offsets\":[0,2147483653]}")
        .contains("\"data_offsets\":[2147483653,4294967306]");
    byte[] last = new byte[1];
    large.copyBytesTo(size - 1, last, 1);
    assertThat(last).containsExactly(77);
  }
}
