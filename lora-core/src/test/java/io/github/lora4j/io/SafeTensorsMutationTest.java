package io.github.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.io.Mutations.Parts;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import net.jqwik.api.statistics.Statistics;
import net.jqwik.api.statistics.StatisticsReport;

/** Whatever is done to a valid file: it opens with every tensor inside it, or says why not. */
class SafeTensorsMutationTest {

  private static Path folder;
  private static int count;

  @BeforeContainer
  static void makeFolder() throws IOException {
    folder = Files.createTempDirectory("mutations");
  }

  @AfterContainer
  static void removeFolder() throws IOException {
    Files.delete(folder);
  }

  @Property(tries = 300, edgeCases = EdgeCasesMode.NONE)
  void aValidFileOpens(@ForAll("validFiles") Parts parts) {
    assertThat(opensSafely(parts.file())).isTrue();
  }

  @StatisticsReport(StatisticsReport.StatisticsReportMode.OFF)
  @Property(tries = 1000, edgeCases = EdgeCasesMode.NONE)
  void aMutatedFileOpensSafelyOrIsRefused(
      @ForAll("validFiles") Parts parts, @ForAll("mutations") UnaryOperator<byte[]> mutation) {
    Statistics.collect(opensSafely(mutation.apply(parts.file())));
    bothHappen();
  }

  @StatisticsReport(StatisticsReport.StatisticsReportMode.OFF)
  @Property(tries = 2000, edgeCases = EdgeCasesMode.NONE)
  void aMutatedHeaderOfItsRightLengthOpensSafelyOrIsRefused(
      @ForAll("validFiles") Parts parts, @ForAll("mutations") UnaryOperator<byte[]> mutation) {
    Statistics.collect(opensSafely(parts.assemble(mutation.apply(parts.header()))));
    bothHappen();
  }

  private static void bothHappen() {
    Statistics.coverage(
        coverage -> {
          coverage.check(true).percentage(share -> share > 2);
          coverage.check(false).percentage(share -> share > 50);
        });
  }

  @Provide
  static Arbitrary<Parts> validFiles() {
    return Mutations.validFiles();
  }

  @Provide
  static Arbitrary<UnaryOperator<byte[]>> mutations() {
    return Mutations.several();
  }

  /** Opens and reads everything; any exception but the right one fails the test. */
  private static boolean opensSafely(byte[] bytes) {
    // A new name each time: rewriting one file is far slower on a journalling file system.
    Path path = RawFile.write(folder, count++ + ".safetensors", bytes);
    try (SafeTensors file = SafeTensors.open(path)) {
      for (String name : file.names()) {
        TensorInfo info = file.info(name);
        assertThat(info.byteOffset()).isBetween(8L, (long) bytes.length);
        assertThat(info.byteSize()).isBetween(0L, bytes.length - info.byteOffset());
        readWhole(file, info, bytes);
      }
      return true;
    } catch (CheckpointFormatException e) {
      assertThat(e).hasMessageContaining(path.toString());
      return false;
    } finally {
      RawFile.delete(path);
    }
  }

  private static void readWhole(SafeTensors file, TensorInfo info, byte[] bytes) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor tensor = file.tensor(info.name());
      assertThat(tensor.numel()).isEqualTo(info.elementCount());
      byte[] read = new byte[(int) info.byteSize()];
      tensor.copyBytesTo(0, read, read.length);
      int start = (int) info.byteOffset();
      byte[] expected = Arrays.copyOfRange(bytes, start, start + read.length);
      if (info.dtypeName().equals("BOOL")) {
        for (int i = 0; i < expected.length; i++) {
          expected[i] = (byte) (expected[i] == 0 ? 0 : 1);
        }
      }
      assertThat(read).isEqualTo(expected);
    } catch (CheckpointFormatException e) {
      assertThat(e).hasMessageContaining("has dtype " + info.dtypeName());
    }
  }
}
