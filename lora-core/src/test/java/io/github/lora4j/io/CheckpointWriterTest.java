package io.github.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointWriterTest {

  private static final String FIRST = "model-00001-of-00002.safetensors";
  private static final String SECOND = "model-00002-of-00002.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

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
  void writesTheShardsThatPythonWrites() throws IOException {
    CheckpointWriter.write(folder, layers(5, 0), 32);
    Path python = RawFile.fixture("sharded");
    for (int i = 1; i <= 3; i++) {
      String shard = "model-0000%d-of-00003.safetensors".formatted(i);
      assertThat(folder.resolve(shard)).hasSameBinaryContentAs(python.resolve(shard));
    }
    assertThat(folder.resolve(INDEX)).hasContent(Files.readString(python.resolve(INDEX)) + "\n");
    assertThat(files()).hasSize(4);
  }

  @Test
  void writesOneFileWhereItFits() {
    CheckpointWriter.write(folder, layers(5, 0));
    assertThat(files()).containsExactly("model.safetensors");
    assertThat(read()).isEqualTo(values(5, 0));
  }

  @Test
  void givesATensorOverTheLimitAShardOfItsOwn() {
    CheckpointWriter.write(folder, layers(3, 0), 1);
    assertThat(files()).hasSize(4);
    assertThat(read()).isEqualTo(values(3, 0));
    assertThatThrownBy(() -> CheckpointWriter.write(folder, layers(3, 0), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("maxShardSize");
  }

  @Test
  void aNewSaveLeavesNothingOfAnEarlierOne() {
    CheckpointWriter.write(folder, layers(3, 0), 16);
    RawFile.write(folder, "config.json", new byte[0]);
    RawFile.write(folder, "adapter_model.safetensors", new byte[0]);
    CheckpointWriter.write(folder, layers(2, 10), 16);
    assertThat(files())
        .containsExactlyInAnyOrder(
            "config.json", "adapter_model.safetensors", FIRST, SECOND, INDEX);
    assertThat(read()).isEqualTo(values(2, 10));
    CheckpointWriter.write(folder, layers(2, 20), 16);
    assertThat(read()).isEqualTo(values(2, 20));
    CheckpointWriter.write(folder, layers(2, 30));
    assertThat(files())
        .containsExactlyInAnyOrder("config.json", "adapter_model.safetensors", "model.safetensors");
    assertThat(read()).isEqualTo(values(2, 30));
    CheckpointWriter.write(folder, layers(2, 40), 16);
    assertThat(files()).doesNotContain("model.safetensors").contains(INDEX);
    assertThat(read()).isEqualTo(values(2, 40));
  }

  @Test
  void writesOverTheShardsThatItsTensorsAreMappedFrom() {
    CheckpointWriter.write(folder, layers(2, 0), 16);
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      Map<String, Tensor> swapped = new LinkedHashMap<>();
      swapped.put("layer.0.weight", checkpoint.tensor("layer.1.weight"));
      swapped.put("layer.1.weight", checkpoint.tensor("layer.0.weight"));
      CheckpointWriter.write(folder, swapped, 16);
    }
    assertThat(read()).isEqualTo(Map.of("layer.0.weight", 1f, "layer.1.weight", 0f));
  }

  @Test
  void aFailureWhileWritingLeavesTheOldCheckpoint() {
    CheckpointWriter.write(folder, layers(2, 0), 16);
    // An interrupt closes the channel under the writer.
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> CheckpointWriter.write(folder, layers(2, 10), 16))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(folder.toString());
    assertThat(Thread.interrupted()).isTrue();
    assertThat(files()).containsExactlyInAnyOrder(FIRST, SECOND, INDEX);
    assertThat(read()).isEqualTo(values(2, 0));
  }

  @Test
  void aFailureWhileMovingPutsEverythingBack() throws IOException {
    CheckpointWriter.write(folder, layers(2, 0));
    Path obstacle = Files.createDirectories(folder.resolve(INDEX).resolve("x"));
    assertThatThrownBy(() -> CheckpointWriter.write(folder, layers(2, 10), 16))
        .isInstanceOf(UncheckedIOException.class);
    assertThat(files()).containsExactlyInAnyOrder("model.safetensors", INDEX);
    assertThat(obstacle).exists();
    assertThat(read()).isEqualTo(values(2, 0));
  }

  @Test
  void anUpdateIsUndoneWhereverItStops() throws IOException {
    for (int stop = 0; stop < 5; stop++) {
      CheckpointWriter.write(folder, layers(2, 0), 16);
      try (FolderUpdate update = new FolderUpdate();
          AtomicFile shard = AtomicFile.create(folder.resolve(FIRST))) {
        shard.finish();
        perform(update, shard, stop);
      }
      assertThat(files()).containsExactlyInAnyOrder(FIRST, SECOND, INDEX);
      assertThat(read()).isEqualTo(values(2, 0));
    }
  }

  @Test
  void aSaveThatDiedLoadsAsBeforeOrNotAtAll() throws IOException {
    for (int stop = 0; stop < 5; stop++) {
      Path copy = Files.createDirectory(folder.resolve("died" + stop));
      CheckpointWriter.write(copy, layers(2, 0), 16);
      FolderUpdate update = new FolderUpdate();
      perform(update, shardOfAnotherSave(copy), stop);
      if (stop == 0) {
        Checkpoint.open(copy).close();
      } else {
        assertThatThrownBy(() -> Checkpoint.open(copy))
            .isInstanceOf(CheckpointFormatException.class)
            .hasMessageContaining("interrupted")
            .hasMessageContaining(".replaced");
      }
    }
  }

  private AtomicFile shardOfAnotherSave(Path copy) throws IOException {
    AtomicFile shard = AtomicFile.create(copy.resolve(FIRST));
    SafeTensorsWriter.writeTo(shard, layers(1, 10), Map.of());
    return shard;
  }

  /** The steps of replacing shards of the same names, up to one of them. */
  private void perform(FolderUpdate update, AtomicFile shard, int steps) throws IOException {
    Path in = shard.target().getParent();
    if (steps > 0) {
      update.setAside(in.resolve(INDEX));
    }
    if (steps > 1) {
      update.setAside(in.resolve(FIRST));
    }
    if (steps > 2) {
      update.setAside(in.resolve(SECOND));
    }
    if (steps > 3) {
      update.place(shard);
    }
  }

  private static Map<String, Tensor> layers(int count, int first) {
    Map<String, Tensor> layers = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      float value = first + i;
      layers.put("layer." + i + ".weight", Tensor.of(new float[] {value, value, value, value}, 4));
    }
    return layers;
  }

  private static Map<String, Float> values(int count, int first) {
    Map<String, Float> values = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      values.put("layer." + i + ".weight", (float) (first + i));
    }
    return values;
  }

  private Map<String, Float> read() {
    Map<String, Float> values = new TreeMap<>();
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      checkpoint
          .names()
          .forEach(name -> values.put(name, checkpoint.tensor(name).toFloatArray()[3]));
    }
    return values;
  }

  private List<String> files() {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
