package io.github.lora4j.io.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.error.HubException;
import io.github.lora4j.testing.Logs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is fetched of a repository, and when. */
class ModelHubTest {

  private static final String INDEX =
      """
      {"metadata": {}, "weight_map": {
        "a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors",
        "c": "model-00001-of-00002.safetensors"}}
      """;

  @TempDir Path cache;
  private FakeHub hub;

  @BeforeEach
  void open() {
    hub = new FakeHub();
  }

  @AfterEach
  void close() {
    hub.close();
  }

  private Path download() {
    return ModelHub.download(FakeHub.REPO, HubTests.options(hub, cache).build());
  }

  private HubOptions offline() {
    return HubTests.options(hub, cache).offline(true).build();
  }

  @Test
  void onlyWhatIsNeededIsFetchedAndWeightsLast() throws IOException {
    hub.model()
        .file("generation_config.json", "{\"n\": 0}")
        .file("tokenizer_config.json", "{\"n\": 1}")
        .file("special_tokens_map.json", "{\"n\": 2}")
        .file("added_tokens.json", "[]")
        .file("chat_template.jinja", "{{ messages }}")
        .file("additional_chat_templates/rag.jinja", "{{ documents }}")
        .file("README.md", "read me")
        .file("vocab.json", "{}")
        .file("merges.txt", "")
        .file("modeling_custom.py", "import os")
        .file("onnx/config.json", "{}")
        .largeFile("model.fp16.safetensors", FakeHub.bytes(10))
        .largeFile("pytorch_model.bin", FakeHub.bytes(10))
        .file("model.safetensors.index.json", INDEX);

    Path folder = download();

    assertThat(hub.downloaded())
        .containsExactly(
            "config.json",
            "generation_config.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "chat_template.jinja",
            "tokenizer.json",
            "additional_chat_templates/rag.jinja",
            "model.safetensors");
    assertThat(HubTests.tree(folder)).hasSize(9);
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(FakeHub.bytes(100_000));
    assertThat(folder).isEqualTo(HubTests.repo(cache).resolve("snapshots").resolve(FakeHub.COMMIT));
  }

  @Test
  void theShardsAreThoseThatTheIndexNames() {
    hub.file("config.json", "{}")
        .file("model.safetensors.index.json", INDEX)
        .largeFile("model-00001-of-00002.safetensors", FakeHub.bytes(10))
        .largeFile("model-00002-of-00002.safetensors", FakeHub.bytes(20))
        .largeFile("model-00003-of-00003.safetensors", FakeHub.bytes(30));

    Path folder = download();

    assertThat(HubTests.tree(folder))
        .containsExactly(
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json");
    assertThat(ModelHub.download(FakeHub.REPO, offline())).isEqualTo(folder);
  }

  @Test
  void namesThatWouldLeaveTheFolderAreNeverAskedFor() {
    hub.model()
        .file("../../evil.json", "{}")
        .file("additional_chat_templates/../../../evil.jinja", "{}")
        .file("additional_chat_templates/..\\evil.jinja", "{}")
        .file("/config.json", "{}");
    Path folder = download();
    assertThat(HubTests.tree(folder))
        .containsExactly("config.json", "model.safetensors", "tokenizer.json");
    assertThat(hub.requests()).noneMatch(request -> request.contains("evil"));
    assertThat(HubTests.tree(cache)).noneMatch(name -> name.contains("evil"));
  }

  @Test
  void anIndexMayNotPointOutOfTheRepository() {
    hub.file("config.json", "{}")
        .file("model.safetensors.index.json", "{\"weight_map\": {\"a\": \"../../x.safetensors\"}}");
    assertThatThrownBy(this::download)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("model.safetensors.index.json to name plain .safetensors files");
  }

  @Test
  void aShardThatTheRepositoryLacksIsNamed() {
    hub.file("config.json", "{}").file("model.safetensors.index.json", INDEX);
    assertThatThrownBy(this::download)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("'model-00001-of-00002.safetensors', which the repository does not");
  }

  @Test
  void olderTokenizersAreFetchedWhereThereIsNoOther() {
    hub.file("config.json", "{}").file("tokenizer.model", "sp").file("vocab.json", "{}");
    hub.file("merges.txt", "a b").largeFile("model.safetensors", FakeHub.bytes(10));

    Path folder = ModelHub.downloadTokenizer(FakeHub.REPO, HubTests.options(hub, cache).build());

    assertThat(HubTests.tree(folder))
        .containsExactly("config.json", "merges.txt", "tokenizer.model", "vocab.json");
    assertThat(ModelHub.downloadTokenizer(FakeHub.REPO, offline())).isEqualTo(folder);
    assertThatThrownBy(() -> ModelHub.download(FakeHub.REPO, offline()))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("HF_HUB_OFFLINE");
  }

  @Test
  void anAdapterComesWithItsTokenizerAndWithoutAModel() {
    hub.model()
        .file("adapter_config.json", "{}")
        .largeFile("adapter_model.safetensors", FakeHub.bytes(10));

    Path folder = ModelHub.downloadAdapter(FakeHub.REPO, HubTests.options(hub, cache).build());

    assertThat(HubTests.tree(folder))
        .containsExactly("adapter_config.json", "adapter_model.safetensors", "tokenizer.json");
  }

  @Test
  void picklesAreRefusedWithTheWayOut() {
    hub.file("config.json", "{}").largeFile("pytorch_model.bin", FakeHub.bytes(10));
    assertThatThrownBy(this::download)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("org/name at revision main holds its weights as Python pickles only")
        .hasMessageContaining("from_pretrained(\"org/name\").save_pretrained");
    assertThat(hub.downloaded()).isEmpty();
  }

  @Test
  void whatIsNotAModelSaysWhatItIs() {
    hub.file("adapter_config.json", "{}").largeFile("adapter_model.safetensors", new byte[3]);
    assertThatThrownBy(this::download).hasMessageContaining("is an adapter, not a model");
    HubOptions options = HubTests.options(hub, cache).build();
    assertThatThrownBy(() -> ModelHub.downloadTokenizer(FakeHub.REPO, options))
        .hasMessageContaining("holds no tokenizer")
        .hasMessageContaining("adapter_config.json, adapter_model.safetensors");
  }

  @Test
  void aSecondRunAsksOnlyWhetherTheBranchMoved() throws IOException {
    hub.model();
    Path first = download();
    hub.seen().clear();
    assertThat(download()).isEqualTo(first);
    assertThat(hub.requests()).containsExactly("GET /api/models/org/name/revision/main");

    String moved = "f".repeat(40);
    hub.commit(moved).file("config.json", "{\"a\": 1}");
    hub.seen().clear();
    Path second = download();
    assertThat(second.getFileName()).hasToString(moved);
    assertThat(hub.downloaded()).containsExactly("config.json");
    assertThat(Files.readString(HubTests.repo(cache).resolve("refs/main"))).isEqualTo(moved);
    assertThat(ModelHub.download(FakeHub.REPO, offline())).isEqualTo(second);
  }

  @Test
  void aCommitThatIsCachedNeedsNoNetwork() {
    hub.model();
    HubOptions pinned = HubTests.options(hub, cache).revision(FakeHub.COMMIT).build();
    Path folder = ModelHub.download(FakeHub.REPO, pinned);
    hub.seen().clear();
    assertThat(ModelHub.download(FakeHub.REPO, pinned)).isEqualTo(folder);
    assertThat(hub.seen()).isEmpty();
    assertThat(HubTests.repo(cache).resolve("refs")).doesNotExist();
  }

  @Test
  void pythonsListOfACommitStandsForTheHubs() throws IOException {
    hub.model();
    Path folder = download();
    Path repo = HubTests.repo(cache);
    for (String name : HubTests.tree(repo.resolve(".no_exist"))) {
      Files.delete(repo.resolve(".no_exist").resolve(name));
    }
    Files.createDirectories(repo.resolve("trees"));
    Files.writeString(
        repo.resolve("trees").resolve(FakeHub.COMMIT + ".json"),
        "{\"format_version\": 1, \"files\": {\"config.json\": {}, \"tokenizer.json\": {},"
            + " \"model.safetensors\": {}}}");
    hub.seen().clear();
    HubOptions pinned = HubTests.options(hub, cache).revision(FakeHub.COMMIT).build();
    assertThat(ModelHub.download(FakeHub.REPO, pinned)).isEqualTo(folder);
    assertThat(hub.seen()).isEmpty();
  }

  @Test
  void offlineWithoutACopySaysWhatToDo() {
    hub.model();
    assertThatThrownBy(() -> ModelHub.download(FakeHub.REPO, offline()))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("org/name at revision main is not, or not completely, in the cache")
        .hasMessageContaining("Allow the network once");
    assertThat(hub.seen()).isEmpty();
    assertThat(cache).isEmptyDirectory();
  }

  @Test
  void anUnreachableHubLeavesWhatIsCachedWithAWarning() {
    hub.model();
    Path folder = download();
    hub.close();
    List<Path> found = new ArrayList<>();
    String log = Logs.of(() -> found.add(download()));
    assertThat(found).containsExactly(folder);
    assertThat(log)
        .contains("WARN")
        .contains("the list of files of org/name at " + hub.endpoint() + ": no connection")
        .contains("using what was downloaded before: " + folder);
  }

  @Test
  void anUnreachableHubWithoutACopyIsAnError() {
    hub.close();
    assertThatThrownBy(this::download)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("no connection")
        .hasMessageContaining("(3 attempts)")
        .hasMessageContaining("-Dhttps.proxyHost");
  }

  @Test
  @Tag("network") // asks for the address of a name, though of one that cannot be
  void aHostThatNobodyKnowsIsSaidToBeUnknown() {
    HubOptions options = HubTests.options("http://hub.invalid", cache).build();
    assertThatThrownBy(() -> ModelHub.download(FakeHub.REPO, options))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("at http://hub.invalid: no connection, the host's name is not known");
  }

  @Test
  void anInterruptedCacheIsMended() throws IOException {
    hub.model();
    Path folder = download();
    Files.delete(HubTests.repo(cache).resolve("blobs").resolve(hub.etag("model.safetensors")));
    hub.seen().clear();
    assertThat(download()).isEqualTo(folder);
    assertThat(hub.downloaded()).containsExactly("model.safetensors");
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(FakeHub.bytes(100_000));
  }

  @Test
  void withoutLinksTheFilesThemselvesStandInTheSnapshot() {
    hub.model();
    Tuning tuning = HubTests.tuning(new ArrayList<>(), Long.MAX_VALUE);
    Tuning noLinks =
        new Tuning(
            tuning.connect(),
            tuning.answer(),
            tuning.stall(),
            tuning.retry(),
            false,
            tuning.disk());
    HubOptions options = HubTests.options(hub, cache).tuning(noLinks).build();

    Path folder = ModelHub.download(FakeHub.REPO, options);

    assertThat(HubTests.tree(HubTests.repo(cache).resolve("blobs"))).isEmpty();
    assertThat(folder.resolve("config.json")).isRegularFile().hasContent("{}");
    assertThat(Files.isSymbolicLink(folder.resolve("config.json"))).isFalse();
    assertThat(ModelHub.download(FakeHub.REPO, offline())).isEqualTo(folder);
  }

  @Test
  void aFullDiskIsNoticedBeforeTheFirstByte() {
    hub.model();
    HubOptions options =
        HubTests.options(hub, cache).tuning(HubTests.tuning(new ArrayList<>(), 50_000)).build();
    assertThatThrownBy(() -> ModelHub.download(FakeHub.REPO, options))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("org/name: 100000 bytes are still to be downloaded")
        .hasMessageContaining("50000 bytes free")
        .hasMessageContaining("HF_HOME");
    assertThat(hub.downloaded()).doesNotContain("model.safetensors");
  }

  @Test
  void aProgressIsToldWhatArrives() {
    hub.model();
    List<String> told = new ArrayList<>();
    DownloadProgress progress =
        new DownloadProgress() {
          @Override
          public void update(String file, long done, long size) {
            told.add("%s %d/%d".formatted(file, done, size));
          }

          @Override
          public void close() {
            told.add("closed");
          }
        };
    ModelHub.download(FakeHub.REPO, HubTests.options(hub, cache).progress(progress).build());
    assertThat(told)
        .startsWith("config.json 0/2", "config.json 2/2")
        .contains("model.safetensors 0/100000", "model.safetensors 100000/100000")
        .endsWith("closed");
  }
}
