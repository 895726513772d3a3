package io.github.lora4j.io;

import static io.github.lora4j.io.RawFile.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SafeTensorsTest {

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

  @ParameterizedTest
  @EnumSource(DType.class)
  void readsEveryDtypeThatPythonWrites(DType dtype) {
    try (SafeTensors file = SafeTensors.open(RawFile.fixture("all-dtypes.safetensors"))) {
      String name = "t." + dtype.name().toLowerCase(Locale.ROOT);
      Tensor tensor = file.tensor(name);
      assertThat(tensor.dtype()).isEqualTo(dtype);
      assertThat(tensor.shape()).containsExactly(2, 3);
      assertThat(tensor.toDoubleArray())
          .containsExactly(dtype == DType.BOOL ? new double[] {0, 1, 1, 1, 1, 1} : range(6));
      assertThat(file.info(name).dtype()).isEqualTo(dtype);
    }
  }

  @Test
  void readsScalarsEmptyTensorsAndNamesOutsideAscii() {
    try (SafeTensors file = SafeTensors.open(RawFile.fixture("all-dtypes.safetensors"))) {
      assertThat(file.tensor("scalar").shape()).isEmpty();
      assertThat(file.tensor("scalar").item()).isEqualTo(2.5);
      assertThat(file.tensor("empty").shape()).containsExactly(0, 3);
      assertThat(file.tensor("grüße \"1\"\n").toLongArray()).containsExactly(7);
      assertThat(file.metadata()).containsExactly(Map.entry("format", "pt"));
      assertThat(file.names()).hasSize(DType.values().length + 3);
    }
  }

  @Test
  void copiesWhatIsNotAligned() {
    try (SafeTensors file = SafeTensors.open(RawFile.fixture("unaligned.safetensors"))) {
      assertThat(file.info("x").byteOffset() % 4).isNotZero();
      assertThat(file.tensor("x").toFloatArray()).containsExactly(1.5f, -2.5f);
      assertThat(file.tensor("x").address() % 4).isZero();
    }
  }

  @Test
  void readsAnAlignedTensorWithoutACopy() {
    try (SafeTensors file = SafeTensors.open(RawFile.fixture("all-dtypes.safetensors"))) {
      assertThat(file.tensor("t.f32").address()).isEqualTo(file.tensor("t.f32").address());
      long between = file.info("t.f32").byteOffset() - file.info("t.i64").byteOffset();
      assertThat(file.tensor("t.f32").address() - file.tensor("t.i64").address())
          .isEqualTo(between);
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void takesOutOfMemoryWhatIsDroppedAndReadsItAgain(@TempDir Path dir) throws IOException {
    Path path = dir.resolve("large.safetensors");
    long bytes = 64L << 20;
    try (TensorScope scope = TensorScope.open()) {
      SafeTensorsWriter.write(path, Map.of("x", Tensor.full(3, DType.F32, Device.CPU, bytes / 4)));
    }
    try (TensorScope scope = TensorScope.open();
        SafeTensors file = SafeTensors.open(path)) {
      Tensor x = file.tensor("x");
      assertThat(x.sum().item()).isEqualTo(3.0 * bytes / 4);
      long read = residentKibibytes(path);
      file.drop("x");
      assertThat(read).isGreaterThan(bytes / 1024 - 100);
      assertThat(residentKibibytes(path)).isLessThan(100);
      assertThat(x.sum().item()).isEqualTo(3.0 * bytes / 4);
    }
  }

  /** What of a mapped file is in this process' memory. */
  private static long residentKibibytes(Path file) throws IOException {
    boolean inside = false;
    long sum = 0;
    for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
      if (line.matches("^[0-9a-f]+-[0-9a-f]+ .*")) {
        inside = line.endsWith(file.toString());
      } else if (inside && line.startsWith("Rss:")) {
        sum += Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    return sum;
  }

  @Test
  void refusesADtypeOnlyWhenItIsRead() {
    try (SafeTensors file = SafeTensors.open(RawFile.fixture("fp8.safetensors"))) {
      assertThat(file.tensor("kept").toFloatArray()).containsExactly(1, 1);
      assertThat(file.info("fp8").byteSize()).isEqualTo(3);
      assertThatThrownBy(() -> file.tensor("fp8"))
          .isInstanceOf(CheckpointFormatException.class)
          .hasMessageContaining(file.file().toString())
          .hasMessageContaining("'fp8'")
          .hasMessageContaining("F8_E4M3");
      assertThatThrownBy(() -> file.info("none"))
          .isInstanceOf(CheckpointFormatException.class)
          .hasMessageContaining("no tensor 'none'");
    }
  }

  @Test
  void bytesOtherThanZeroAndOneBecomeTrue() {
    // RawFile's data are 0, 1, 2, 3
    Path path = RawFile.write(folder, "b", "{" + entry("b", "BOOL", "[4]", 0, 4) + "}", 4);
    try (SafeTensors file = SafeTensors.open(path)) {
      byte[] bytes = new byte[4];
      file.tensor("b").copyBytesTo(0, bytes, 4);
      assertThat(bytes).containsExactly(0, 1, 1, 1);
    }
  }

  @Test
  void tensorsOutliveTheReaderAndTheReplacedFile() throws IOException {
    Path path = folder.resolve("x.safetensors");
    Files.copy(RawFile.fixture("all-dtypes.safetensors"), path);
    SafeTensors file = SafeTensors.open(path);
    Tensor tensor = file.tensor("t.bf16");
    file.close();
    file.close();
    AtomicFile.writeString(path, "something else");
    assertThat(tensor.toDoubleArray()).containsExactly(range(6));
    assertThatThrownBy(() -> file.tensor("t.bf16")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void writingToATensorLeavesTheFileAlone() throws IOException {
    Path path = folder.resolve("x.safetensors");
    Files.copy(RawFile.fixture("all-dtypes.safetensors"), path);
    byte[] before = Files.readAllBytes(path);
    try (SafeTensors file = SafeTensors.open(path)) {
      Tensor tensor = file.tensor("t.f32");
      tensor.fillInPlace(9);
      assertThat(tensor.toFloatArray()).containsOnly(9);
    }
    assertThat(Files.readAllBytes(path)).isEqualTo(before);
  }

  @Test
  void holdsNothingAfterClosing() {
    readOnce();
    long before = NativeMemory.liveHandles();
    for (int i = 0; i < 200; i++) {
      readOnce();
    }
    assertThat(NativeMemory.liveHandles()).isLessThanOrEqualTo(before);
  }

  private static void readOnce() {
    try (TensorScope scope = TensorScope.open();
        SafeTensors file = SafeTensors.open(RawFile.fixture("all-dtypes.safetensors"))) {
      file.names().forEach(name -> assertThat(file.tensor(name).numel()).isNotNegative());
    }
  }

  @Test
  void readsBeyondFourGigabytes() throws IOException {
    long large = (4L << 30) + 8;
    String header =
        "{"
            + entry("a", "U8", "[" + large + "]", 0, large)
            + ","
            + entry("b", "F32", "[2]", large, large + 8)
            + "}";
    byte[] json = (header + " ".repeat(8 - header.length() % 8)).getBytes(StandardCharsets.UTF_8);
    Assumptions.assumeTrue(
        Files.getFileStore(folder).getUsableSpace() > 2 * large, "needs 8 GB of free disk");
    Path path = folder.resolve("large.safetensors");
    ByteBuffer start = ByteBuffer.allocate(8 + json.length).order(ByteOrder.LITTLE_ENDIAN);
    start.putLong(json.length).put(json);
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.write(start.array());
      file.setLength(start.capacity() + large + 8);
      file.seek(start.capacity() + large - 1);
      file.write(77);
      file.seek(start.capacity() + large + 4);
      file.writeInt(Integer.reverseBytes(Float.floatToIntBits(-0.5f)));
    }
    try (SafeTensors file = SafeTensors.open(path)) {
      assertThat(file.tensor("a").numel()).isEqualTo(large);
      assertThat(file.tensor("a").narrow(0, large - 1, 1).item()).isEqualTo(77);
      assertThat(file.tensor("b").toFloatArray()).containsExactly(0, -0.5f);
    }
  }

  private static double[] range(int end) {
    double[] values = new double[end];
    Arrays.setAll(values, i -> i);
    return values;
  }
}
