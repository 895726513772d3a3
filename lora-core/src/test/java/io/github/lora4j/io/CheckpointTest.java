package io.github.lora4j.io;

import static io.github.lora4j.io.RawFile.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {

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
  void readsTheShardsThatPythonWrites() {
    Tensor last;
    try (Checkpoint checkpoint = Checkpoint.open(RawFile.fixture("sharded"))) {
      assertThat(checkpoint.names()).hasSize(5);
      assertThat(checkpoint.files()).hasSize(3);
      assertThat(checkpoint.fileOf("layer.2.weight"))
          .hasFileName("model-00002-of-00003.safetensors");
      assertThat(checkpoint.info("layer.2.weight").shape()).containsExactly(4L);
      last = checkpoint.tensor("layer.4.weight");
      assertThatThrownBy(() -> checkpoint.tensor("layer.5.weight"))
          .isInstanceOf(CheckpointFormatException.class)
          .hasMessageContaining("no tensor 'layer.5.weight'");
    }
    assertThat(last.toFloatArray()).containsExactly(4, 4, 4, 4);
  }

  @Test
  void aSingleFileCountsBeforeAnIndex() {
    holding("model.safetensors", "single");
    index("{\"weight_map\":{\"a\":\"missing.safetensors\"}}");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.names()).containsExactly("single");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/etc/passwd.safetensors",
        "../x.safetensors",
        "..\\\\x.safetensors",
        "sub/x.safetensors",
        "C:x.safetensors",
        ".x.safetensors",
        "..",
        ".",
        "",
        "x\\u0000.safetensors",
        "x.safetensors\\n",
        "x.bin",
        "x.safetensors/",
        "\\udc00.safetensors",
      })
  void followsNoPathOutOfItsFolder(String fileName) throws IOException {
    Files.createDirectory(folder.resolve("sub"));
    holding("sub/x.safetensors", "a");
    index("{\"weight_map\":{\"a\":\"" + fileName + "\"}}");
    assertRefused("tensor 'a'");
  }

  @Test
  void followsTheLinksOfACache() throws IOException {
    Path blobs = Files.createDirectory(folder.resolve("blobs"));
    holding("blobs/0123", "a");
    Path snapshot = Files.createDirectory(folder.resolve("snapshot"));
    Files.createSymbolicLink(snapshot.resolve("model.safetensors"), blobs.resolve("0123"));
    try (Checkpoint checkpoint = Checkpoint.open(snapshot)) {
      assertThat(checkpoint.tensor("a").numel()).isEqualTo(1);
    }
  }

  @Test
  void namesTheMissingShardAndItsTensor() {
    holding("x.safetensors", "a");
    index("{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"y.safetensors\"}}");
    assertRefused("tensor 'b' is in y.safetensors, and that file is missing");
  }

  @Test
  void refusesATensorThatItsShardLacks() {
    holding("x.safetensors", "a");
    index("{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"x.safetensors\"}}");
    assertRefused("tensor 'b': expected in x.safetensors");
  }

  @Test
  void refusesATensorThatTheIndexDoesNotKnow() {
    holding("x.safetensors", "a", "b");
    index("{\"weight_map\":{\"a\":\"x.safetensors\"}}");
    assertRefused("x.safetensors holds tensor 'b', which the index does not name");
  }

  @Test
  void refusesATensorInTwoShards() {
    holding("x.safetensors", "a");
    holding("y.safetensors", "a", "b");
    index("{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"y.safetensors\"}}");
    assertRefused("tensor 'a' is in two files, x.safetensors and y.safetensors");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{",
        "{}",
        "{\"weight_map\":{}}",
        "{\"weight_map\":[\"x.safetensors\"]}",
        "{\"weight_map\":{\"a\":1}}",
        "{\"weight_map\":{\"a\":\"x.safetensors\",\"a\":\"x.safetensors\"}}",
        "{\"weight_map\":{\"a\":\"x.safetensors\"}} {}",
      })
  void refusesABadIndex(String json) {
    holding("x.safetensors", "a");
    index(json);
    assertRefused("index");
  }

  @Test
  void ignoresWhateverTheIndexsMetadataSay() {
    holding("x.safetensors", "a");
    index("{\"metadata\":{\"total_size\":-1e99},\"weight_map\":{\"a\":\"x.safetensors\"}}");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.names()).containsExactly("a");
    }
  }

  @Test
  void refusesPicklesAndSaysWhatToDo() {
    RawFile.write(folder, "pytorch_model.bin", new byte[] {1});
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("pytorch_model.bin")
        .hasMessageContaining("safe_serialization=True");
  }

  @Test
  void saysWhatItLookedForWhereThereIsNothing() {
    assertThatThrownBy(() -> Checkpoint.open(folder.resolve("none")))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("model.safetensors.index.json");
  }

  private void holding(String file, String... tensors) {
    StringBuilder header = new StringBuilder("{");
    for (int i = 0; i < tensors.length; i++) {
      header.append(i == 0 ? "" : ",").append(entry(tensors[i], "U8", "[1]", i, i + 1));
    }
    RawFile.write(folder, file, header.append("}").toString(), tensors.length);
  }

  private void index(String json) {
    AtomicFile.writeString(folder.resolve("model.safetensors.index.json"), json);
  }

  private void assertRefused(String expected) {
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("model.safetensors.index.json")
        .hasMessageContaining(expected);
  }
}
