package io.github.lora4j.io.hub;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The cache is the one that huggingface_hub makes, file by file and link by link. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "links need a right of their own there")
class HubCacheTest {

  private static JsonNode fixture = new ObjectMapper().nullNode();

  @TempDir Path temporary;

  @BeforeAll
  static void readFixture() throws IOException {
    fixture = new ObjectMapper().readTree(Fixtures.path("/hub/layout.json").toFile());
  }

  private static FakeHub hub() {
    FakeHub hub =
        new FakeHub(fixture.path("repo").asText()).commit(fixture.path("commit").asText());
    fixture
        .path("files")
        .properties()
        .forEach(file -> hub.file(file.getKey(), file.getValue().asText()));
    for (JsonNode name : fixture.path("large")) {
      hub.largeFile(
          name.asText(),
          fixture.path("files").path(name.asText()).asText().getBytes(StandardCharsets.UTF_8));
    }
    return hub;
  }

  private static Map<String, String> expected() {
    Map<String, String> entries = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : fixture.path("cache").properties()) {
      entries.put(entry.getKey(), entry.getValue().toString());
    }
    return entries;
  }

  private static Map<String, String> found(Path cache) throws IOException {
    Map<String, String> entries = new TreeMap<>();
    for (String name : HubTests.tree(cache)) {
      Path file = cache.resolve(name);
      var entry = new ObjectMapper().createObjectNode();
      if (Files.isSymbolicLink(file)) {
        entry.put("link", Files.readSymbolicLink(file).toString());
      } else {
        entry.put("text", Files.readString(file));
      }
      entries.put(name, entry.toString());
    }
    return entries;
  }

  @Test
  void theCacheIsTheOneThatPythonMakes() throws IOException {
    String keep = System.getProperty("lora4j.hub.keep", "");
    Path cache = keep.isEmpty() ? temporary.resolve("cache") : Path.of(keep);
    try (FakeHub hub = hub()) {
      for (JsonNode revision : fixture.path("revisions")) {
        HubOptions options = HubTests.options(hub, cache).revision(revision.asText()).build();
        ModelHub.download(fixture.path("repo").asText(), options);
      }
    }
    assertThat(found(cache)).isEqualTo(expected());
  }

  @Test
  void whatPythonDownloadedIsNotDownloadedAgain() throws IOException {
    Path cache = temporary.resolve("cache");
    for (Map.Entry<String, JsonNode> entry : fixture.path("cache").properties()) {
      Path file = cache.resolve(entry.getKey());
      Files.createDirectories(file.getParent());
      if (entry.getValue().has("link")) {
        Files.createSymbolicLink(file, Path.of(entry.getValue().path("link").asText()));
      } else {
        Files.writeString(file, entry.getValue().path("text").asText());
      }
    }
    String repo = fixture.path("repo").asText();
    String commit = fixture.path("commit").asText();
    try (FakeHub hub = hub()) {
      Path folder = ModelHub.download(repo, HubTests.options(hub, cache).build());
      assertThat(folder).endsWith(Path.of("snapshots", commit)).isDirectory();
      assertThat(hub.requests()).containsExactly("GET /api/models/" + repo + "/revision/main");

      hub.seen().clear();
      HubOptions offline = HubTests.options(hub, cache).offline(true).build();
      assertThat(ModelHub.download(repo, offline)).isEqualTo(folder);
      HubOptions pinned = HubTests.options(hub, cache).revision(commit).build();
      assertThat(ModelHub.download(repo, pinned)).isEqualTo(folder);
      assertThat(hub.requests()).isEmpty();
    }
    assertThat(found(cache)).isEqualTo(expected());
  }
}
