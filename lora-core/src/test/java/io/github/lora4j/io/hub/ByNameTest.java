package io.github.lora4j.io.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.data.LabelMap;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.AutoModelForSequenceClassification;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models and adapters are loaded by the names of their repositories. */
class ByNameTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama");

  @TempDir Path cache;

  private static FakeHub serving(Path folder) throws IOException {
    FakeHub hub = new FakeHub();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        hub.file(file.getFileName().toString(), Files.readAllBytes(file));
      }
    }
    return hub;
  }

  @Test
  void aModelAndAnAdapterOfOneRevision() throws IOException {
    Path adapter = adapterFolder();
    try (FakeHub models = serving(LLAMA.resolve("base"));
        FakeHub adapters = serving(adapter)) {
      LoadOptions options =
          LoadOptions.builder()
              .hub(HubTests.options(models, cache.resolve("1")).revision("v1.0").build())
              .build();
      HubOptions ofAdapter =
          HubTests.options(adapters, cache.resolve("2")).revision("refs/pr/1").build();
      try (CausalLM model = AutoModelForCausalLM.fromPretrained(FakeHub.REPO, options);
          PeftModel<CausalLM> named =
              PeftModel.fromPretrained(model, FakeHub.REPO, false, ofAdapter);
          PeftModel<CausalLM> local = PeftModel.fromPretrained(model, adapter.toString())) {
        assertThat(named.targetedModuleNames()).isEqualTo(local.targetedModuleNames());
        assertThat(model.source().flatMap(ModelHub::nameOf)).contains(FakeHub.REPO);
        assertThat(nameInFile(model)).isEqualTo(FakeHub.REPO);
      }
      assertThat(models.requests()).first().asString().endsWith("/revision/v1.0");
      assertThat(adapters.requests()).first().asString().contains("pr%2F1");
    }
  }

  @Test
  void aClassifier() throws IOException {
    try (FakeHub hub = serving(LLAMA.resolve("base"))) {
      LoadOptions options =
          LoadOptions.builder().padTokenId(0).hub(HubTests.options(hub, cache).build()).build();
      LabelMap labels = LabelMap.of("no", "yes", "perhaps");
      try (SequenceClassifier own =
              AutoModelForSequenceClassification.fromPretrained(FakeHub.REPO, labels, options);
          SequenceClassifier itself =
              AutoModelForSequenceClassification.fromPretrained(FakeHub.REPO, options)) {
        assertThat(own.labels()).isEqualTo(labels);
        assertThat(itself.labels().size()).isEqualTo(2);
      }
    }
  }

  @Test
  void aRevisionIsChecked() {
    assertThat(LoadOptions.builder().revision("v2").build().hub().revision()).isEqualTo("v2");
    assertThat(LoadOptions.defaults().hub().revision()).isEqualTo("main");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoadOptions.builder().revision("../secret"));
  }

  /** What an adapter's file calls the model that it was made for. */
  private String nameInFile(CausalLM model) {
    LoraConfig config = LoraConfig.builder().targetModules("q_proj").build();
    Path saved = cache.resolve("adapter");
    try (PeftModel<CausalLM> fresh = PeftModel.wrap(model, config)) {
      fresh.savePretrained(saved);
    }
    return LoraConfig.load(saved).baseModelNameOrPath().orElseThrow();
  }

  @Test
  void otherFoldersHaveNoName() {
    for (String folder :
        new String[] {"/", "x", "/models--a--b/refs/x", "/m/snapshots/x", "/snapshots/x"}) {
      assertThat(ModelHub.nameOf(Path.of(folder))).as(folder).isEmpty();
    }
    Path snapshot = Path.of("/models--gpt2/snapshots/x");
    assertThat(ModelHub.nameOf(snapshot)).contains("gpt2");
  }

  private static Path adapterFolder() {
    return LLAMA.resolve("adapters/plain/adapter");
  }
}
