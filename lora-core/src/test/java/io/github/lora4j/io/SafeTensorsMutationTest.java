package io.github.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** Whatever is done to a valid file: it opens with every tensor inside it, or says why not. */
class SafeTensorsMutationTest {

  private static final Pattern NUMBER = Pattern.compile("\\d+");

  private static Path folder;

  @BeforeContainer
  static void makeFolder() throws IOException {
    folder = Files.createTempDirectory("mutations");
  }

  @AfterContainer
  static void removeFolder() throws IOException {
    Files.deleteIfExists(folder.resolve("x.safetensors"));
    Files.delete(folder);
  }

  /** One change to the bytes of a file. */
  @FunctionalInterface
  interface Mutation {
    byte[] apply(byte[] file);
  }

  @Property(tries = 300, shrinking = ShrinkingMode.OFF)
  void aValidFileOpens(@ForAll("validFiles") byte[] bytes) {
    assertThat(opensSafely(bytes)).isTrue();
  }

  @Property(tries = 1500)
  void aMutatedFileOpensSafelyOrIsRefused(
      @ForAll("validFiles") byte[] bytes, @ForAll("mutations") List<Mutation> mutations) {
    byte[] mutated = bytes;
    for (Mutation mutation : mutations) {
      mutated = mutation.apply(mutated);
    }
    opensSafely(mutated);
  }

  @Property(tries = 1500)
  void aMutatedHeaderOfRightLengthOpensSafelyOrIsRefused(
      @ForAll("validFiles") byte[] bytes, @ForAll("mutations") List<Mutation> mutations) {
    byte[] header = Arrays.copyOfRange(bytes, 8, 8 + headerLength(bytes));
    for (Mutation mutation : mutations) {
      header = mutation.apply(header);
    }
    byte[] data = Arrays.copyOfRange(bytes, 8 + headerLength(bytes), bytes.length);
    opensSafely(assemble(header, data));
  }

  /** Opens and reads everything; any exception but the right one fails the test. */
  private static boolean opensSafely(byte[] bytes) {
    Path path = RawFile.write(folder, "x.safetensors", bytes);
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
    }
  }

  private static void readWhole(SafeTensors file, TensorInfo info, byte[] bytes) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor tensor = file.tensor(info.name());
      assertThat(tensor.numel()).isEqualTo(info.elementCount());
      byte[] read = new byte[(int) info.byteSize()];
      tensor.copyBytesTo(0, read, read.length);
      if (!info.dtypeName().equals("BOOL")) {
        int start = (int) info.byteOffset();
        assertThat(read).isEqualTo(Arrays.copyOfRange(bytes, start, start + read.length));
      }
    } catch (CheckpointFormatException e) {
      assertThat(e).hasMessageContaining("has dtype " + info.dtypeName());
    }
  }

  @Provide
  static Arbitrary<byte[]> validFiles() {
    Arbitrary<String> names = Arbitraries.strings().ofMaxLength(6).filter(Mutations::encodable);
    Arbitrary<List<Long>> shapes = Arbitraries.longs().between(0, 4).list().ofMaxSize(3);
    Arbitrary<StoredType> types =
        Arbitraries.of(StoredType.class).filter(type -> type.bits() % 8 == 0);
    Arbitrary<Map<String, String>> tensors =
        Arbitraries.maps(names, Combinators.combine(types, shapes).as((t, s) -> t + " " + s))
            .ofMaxSize(4);
    return Combinators.combine(tensors, Arbitraries.maps(names, names).ofMaxSize(2))
        .as(SafeTensorsMutationTest::validFile);
  }

  private static byte[] validFile(Map<String, String> tensors, Map<String, String> metadata) {
    Map<String, Object> header = new LinkedHashMap<>();
    header.put(Header.METADATA, metadata);
    int offset = 0;
    for (Map.Entry<String, String> tensor : tensors.entrySet()) {
      String[] parts = tensor.getValue().split(" ", 2);
      List<Long> shape =
          NUMBER.matcher(parts[1]).results().map(MatchResult::group).map(Long::valueOf).toList();
      int elements = (int) shape.stream().mapToLong(Long::longValue).reduce(1, (a, b) -> a * b);
      int end = offset + elements * StoredType.valueOf(parts[0]).bits() / 8;
      header.put(
          tensor.getKey(),
          Map.of("dtype", parts[0], "shape", shape, "data_offsets", List.of(offset, end)));
      offset = end;
    }
    return assemble(Mutations.json(header), RawFile.bytes("", offset), 8);
  }
}
