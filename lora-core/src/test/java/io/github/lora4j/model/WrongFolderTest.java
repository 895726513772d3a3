package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said where a folder of a model was expected and something else is there. */
class WrongFolderTest {

  @TempDir Path dir;

  @Test
  void aFolderThatDoesNotExistOrIsAFileIsSaidToBeThat() throws IOException {
    Path file = Files.writeString(dir.resolve("config.json"), "{}");
    refuses(dir.resolve("modle"), "modle does not exist: expected the folder of a model");
    refuses(file, "config.json is not a folder");
  }

  @Test
  void anAdapterSaysHowToLoadIt() throws IOException {
    Files.writeString(dir.resolve("adapter_config.json"), "{}");
    refuses(dir, "config.json is missing: this is the folder of an adapter.");
    refuses(dir, "PeftModel.fromPretrained(base, folder)");
  }

  @Test
  void aRepositoryInTheCacheSaysWhereItsFilesAre() throws IOException {
    Files.createDirectories(dir.resolve("snapshots"));
    refuses(dir, "snapshots/<commit>");
  }

  @Test
  void anyOtherFolderSaysWhatAModelConsistsOf() {
    refuses(dir, "a model folder holds config.json, model.safetensors");
  }

  private static void refuses(Path folder, String expected) {
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromPretrained(folder))
        .withMessageContaining(expected);
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> AutoModelForSequenceClassification.fromPretrained(folder))
        .withMessageContaining(expected);
  }
}
