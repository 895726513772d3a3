package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.FamilyCase;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model of texts and images, of which the text is loaded and all is written. */
class Gemma3FilesTest {

  @TempDir Path work;

  private Path base;

  @BeforeEach
  void makeWeights() {
    FamilyCase parity =
        FamilyCase.in(Fixtures.path("/families")).stream()
            .filter(each -> each.name().equals("gemma3"))
            .findFirst()
            .orElseThrow();
    parity.expandedInto(work);
    base = work.resolve("gemma3/base");
  }

  @Test
  void whatSeesImagesIsWrittenAsItWas() {
    Path saved = work.resolve("saved");
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(base)) {
      assertThat(model.parameters().keySet()).noneMatch(name -> name.contains("vision"));
      model.savePretrained(saved);
    }
    try (TensorScope scope = TensorScope.open();
        Checkpoint before = Checkpoint.open(base);
        Checkpoint after = Checkpoint.open(saved)) {
      assertThat(after.names()).isEqualTo(before.names()).anyMatch(n -> n.startsWith("vision_"));
      for (String name : before.names()) {
        assertThat(after.tensor(name).equal(before.tensor(name))).as(name).isTrue();
      }
    }
    assertThat(ModelConfig.load(saved).modelType()).isEqualTo("gemma3");
  }

  @Test
  void withoutItsFolderTheModelIsNotWrittenByHalves() throws IOException {
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(base)) {
      Files.move(base, work.resolve("elsewhere"));
      assertThatIllegalStateException()
          .isThrownBy(() -> model.savePretrained(work.resolve("saved")))
          .withMessageContaining("is gone")
          .withMessageContaining("vision_tower.");
    }
  }

  @Test
  void theFirstFilesLeaveSizesOut() {
    ModelConfig config =
        ModelConfig.of(
            """
            {"model_type": "gemma3", "text_config": {"model_type": "gemma3_text",
             "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34,
             "sliding_window": 1024,
             "rope_scaling": {"factor": 8.0, "rope_type": "linear"}}}
            """,
            "config.json");
    DecoderSpec spec = ModelFamilies.of(config).describe(config);
    assertThat(spec.vocabSize()).isEqualTo(262_208);
    assertThat(spec.layers()).isEqualTo("model.language_model.layers");
    assertThat(spec.blocks().get(5).attention().shape().heads()).isEqualTo(8);
    assertThat(spec.blocks().get(5).attention().shape().window()).isEmpty();
    assertThat(spec.blocks().get(4).attention().shape().window()).hasValue(1024);
  }

  @Test
  void endsOfSequencesAreThoseOfTheText() {
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(base)) {
      assertThat(model.eosTokenIds()).isEqualTo(List.of(2));
    }
  }
}
