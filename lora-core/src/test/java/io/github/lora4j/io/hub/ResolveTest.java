package io.github.lora4j.io.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.error.HubException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders and names on the hub are told apart, and folders contact nothing. */
class ResolveTest {

  @TempDir Path temporary;

  @Test
  void aFolderThatExistsIsTakenAndNothingIsContacted() {
    try (FakeHub hub = new FakeHub().model()) {
      HubOptions options = HubTests.options(hub, temporary.resolve("cache")).build();
      assertThat(ModelHub.resolve(temporary.toString(), options)).isEqualTo(temporary);
      assertThat(ModelHub.resolve("src", options)).isEqualTo(Path.of("src"));
      assertThat(ModelHub.resolve("src/main", options)).isEqualTo(Path.of("src/main"));
      assertThat(hub.seen()).isEmpty();
    }
  }

  @Test
  void aNameIsDownloaded() {
    try (FakeHub hub = new FakeHub().model().file("adapter_config.json", "{}")) {
      hub.file("adapter_model.safetensors", "x");
      HubOptions options = HubTests.options(hub, temporary).build();
      assertThat(ModelHub.resolve(FakeHub.REPO, options)).isDirectory();
      assertThat(ModelHub.resolveAdapter(FakeHub.REPO, options)).isDirectory();
      assertThat(ModelHub.resolveTokenizer(FakeHub.REPO, options)).isDirectory();
    }
  }

  @Test
  void aNameThatMayHaveBeenAPathIsSaidToBeNone() {
    try (FakeHub hub = new FakeHub()) {
      HubOptions options = HubTests.options(hub, temporary).build();
      assertThatThrownBy(() -> ModelHub.resolve("models/none", options))
          .isInstanceOf(HubException.class)
          .hasMessageContaining("models/none")
          .hasMessageEndingWith(
              "(Nor is there a folder " + Path.of("models/none").toAbsolutePath() + ".)");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "./none",
        "../none",
        "/none/x",
        "~/none/x",
        "a/b/c",
        "C:\\models",
        "models\\x",
        "none/"
      })
  void whatLooksLikeAPathIsNotLookedForOnTheHub(String text) {
    try (FakeHub hub = new FakeHub()) {
      HubOptions options = HubTests.options(hub, temporary).build();
      assertThatThrownBy(() -> ModelHub.resolve(text, options))
          .isInstanceOf(HubException.class)
          .hasMessageContaining("there is no folder")
          .hasMessageContaining("give its name as org/name");
      assertThat(hub.seen()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "my model", "a--b", "org/näme", "a\u0000b"})
  void whatIsNeitherIsSaidToBeNeither(String text) {
    try (FakeHub hub = new FakeHub()) {
      HubOptions options = HubTests.options(hub, temporary).build();
      assertThatThrownBy(() -> ModelHub.resolve(text, options))
          .isInstanceOf(HubException.class)
          .hasMessageContaining("is neither a folder of a model nor its name on the hub");
      assertThat(hub.seen()).isEmpty();
    }
  }

  @Test
  void aFileIsNotAFolder() throws IOException {
    Path file = Files.createFile(temporary.resolve("model.safetensors"));
    HubOptions options = HubTests.options("http://127.0.0.1:9", temporary).build();
    assertThatThrownBy(() -> ModelHub.resolve(file.toString(), options))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("expected the folder of a model, found a file: " + file);
  }
}
