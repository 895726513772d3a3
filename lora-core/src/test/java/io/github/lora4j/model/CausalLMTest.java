package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.lora4j.data.Batch;
import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CausalLMTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama/base");
  private static final Path TIED = Fixtures.path("/llama/llama3/base");

  @TempDir Path dir;

  /** A copy of a model folder with other tensors or another configuration. */
  private Path changed(
      Path source, Consumer<Map<String, Tensor>> tensors, UnaryOperator<String> config)
      throws IOException {
    return ChangedFolder.of(source, dir, tensors, config);
  }

  @Test
  void allTensorsThatDoNotFitAreListedInOneError() throws IOException {
    Path folder =
        changed(
            LLAMA,
            tensors -> {
              tensors.remove("model.norm.weight");
              tensors.remove("model.layers.1.mlp.up_proj.weight");
              tensors.put("model.layers.0.self_attn.q_proj.bias", Tensor.of(new float[32], 32));
              tensors.put("lm_head.weight", Tensor.of(new float[64], 2, 32));
              tensors.put("model.layers.0.input_layernorm.weight", Tensor.of(new long[32], 32));
            },
            UnaryOperator.identity());
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromPretrained(folder))
        .withMessageContaining(folder.toString())
        .withMessageContaining("missing: ")
        .withMessageContaining("model.norm.weight")
        .withMessageContaining("model.layers.1.mlp.up_proj.weight")
        .withMessageContaining("unexpected: model.layers.0.self_attn.q_proj.bias")
        .withMessageContaining("lm_head.weight (expected [64, 32], found [2, 32])")
        .withMessageContaining(
            "model.layers.0.input_layernorm.weight (expected a floating-point dtype, found I64)");
  }

  @Test
  void aSavedModelBringsItsTokenizerAndItsTemplatesAndNothingElse() throws IOException {
    Path source = changed(LLAMA, tensors -> {}, UnaryOperator.identity());
    Path templates = Files.createDirectories(source.resolve("additional_chat_templates"));
    Files.writeString(templates.resolve("rag.jinja"), "{{ documents }}");
    Files.writeString(templates.resolve("notes.txt"), "private");
    Files.writeString(source.resolve("tokenizer.json"), "{}");
    Files.writeString(source.resolve("training_args.bin"), "private");
    Path saved = dir.resolve("saved");
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(source)) {
      model.savePretrained(saved);
    }
    assertThat(saved.resolve("additional_chat_templates/rag.jinja")).hasContent("{{ documents }}");
    assertThat(saved.resolve("additional_chat_templates/notes.txt")).doesNotExist();
    assertThat(saved.resolve("tokenizer.json")).hasContent("{}");
    assertThat(saved.resolve("training_args.bin")).doesNotExist();
  }

  @Test
  void aTiedHeadInTheFileAndOldRotaryBuffersAreNoStrangers() throws IOException {
    Path folder =
        changed(
            TIED,
            tensors -> {
              tensors.put("lm_head.weight", tensors.get("model.embed_tokens.weight"));
              tensors.put(
                  "model.layers.0.self_attn.rotary_emb.inv_freq", Tensor.of(new float[4], 4));
            },
            UnaryOperator.identity());
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder)) {
      assertThat(model.parameters()).doesNotContainKey("lm_head.weight");
    }
  }

  @Test
  void anUnknownFamilyListsThoseThatAreKnown() throws IOException {
    Path folder = changed(LLAMA, t -> {}, json -> json.replace("\"llama\"", "\"lama\""));
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromPretrained(folder))
        .withMessageContaining("'lama'")
        .withMessageContaining("known are: llama");
  }

  @Test
  void wrongValuesOfTheConfigurationNameFileAndKey() {
    String json = "{\"model_type\": \"llama\", \"hidden_size\": \"32\"}";
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(
            () ->
                AutoModelForCausalLM.fromConfig(ModelConfig.of(json, "config.json"), 0, Device.CPU))
        .withMessage("config.json: hidden_size: expected a whole number, found \"32\"");
    String scaling =
        "{\"model_type\": \"llama\", \"hidden_size\": 8, \"num_attention_heads\": 2,"
            + " \"intermediate_size\": 8, \"vocab_size\": 8, \"num_hidden_layers\": 1,"
            + " \"rope_scaling\": {\"type\": \"magic\"}}";
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(
            () ->
                AutoModelForCausalLM.fromConfig(
                    ModelConfig.of(scaling, "config.json"), 0, Device.CPU))
        .withMessageContaining("rope_scaling: rope_type 'magic'")
        .withMessageContaining("yarn");
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> ModelConfig.load(dir))
        .withMessageContaining("config.json is missing");
  }

  @Test
  void quantizedCheckpointsNeedAModuleThatReadsThem() throws IOException {
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromPretrained(quantizedBy("bitsandbytes")))
        .withMessageContaining("config.json: quantization_config")
        .withMessageContaining("io.github.lora4j:lora-quant");
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromPretrained(quantizedBy("gptq")))
        .withMessageContaining("'gptq'")
        .withMessageContaining("bitsandbytes");
  }

  private Path quantizedBy(String method) throws IOException {
    String section = "{\"quantization_config\": {\"quant_method\": \"" + method + "\"},";
    return changed(LLAMA, t -> {}, json -> json.replaceFirst("\\{", section));
  }

  @Test
  void aSavedModelIsTheSameModel() throws IOException {
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(LLAMA)) {
      model.savePretrained(dir);
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir);
          SafeTensors expected = SafeTensors.open(LLAMA.resolveSibling("expected.safetensors"));
          TensorScope scope = TensorScope.open()) {
        Batch batch = Fixtures.batch(expected, "");
        assertThat(again.logits(batch).equal(model.logits(batch))).isTrue();
        assertThat(again.parameterCount()).isEqualTo(model.parameterCount());
      }
    }
    assertThat(dir.resolve("generation_config.json")).exists();
    assertThat(ModelConfig.load(dir).dtype()).contains(DType.F32);
  }

  @Test
  void savingOverTheFolderThatIsMappedKeepsTheModelUsable() throws IOException {
    Path folder = changed(LLAMA, t -> {}, UnaryOperator.identity());
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder);
        TensorScope scope = TensorScope.open()) {
      Batch batch = batch();
      Tensor before = model.logits(batch);
      model.savePretrained(folder);
      assertThat(model.logits(batch).equal(before)).isTrue();
    }
  }

  private static Batch batch() {
    try (SafeTensors expected = SafeTensors.open(LLAMA.resolveSibling("expected.safetensors"))) {
      return Fixtures.batch(expected, "");
    }
  }

  @Test
  void freshModelsDependOnTheSeedAlone() {
    ModelConfig config = ModelConfig.load(LLAMA);
    try (CausalLM one = AutoModelForCausalLM.fromConfig(config, 1, Device.CPU);
        CausalLM same = AutoModelForCausalLM.fromConfig(config, 1, Device.CPU);
        CausalLM other = AutoModelForCausalLM.fromConfig(config, 2, Device.CPU)) {
      String name = "model.layers.0.mlp.gate_proj.weight";
      assertThat(one.parameters().get(name).equal(same.parameters().get(name))).isTrue();
      assertThat(one.parameters().get(name).equal(other.parameters().get(name))).isFalse();
      float[] weights = one.parameters().get("lm_head.weight").toFloatArray();
      double squares = 0;
      for (float weight : weights) {
        squares += weight * weight;
      }
      assertThat(Math.sqrt(squares / weights.length)).isBetween(0.018, 0.022);
      assertThat(one.parameters().get("model.norm.weight").toFloatArray()).containsOnly(1);
    }
  }

  @Test
  void parametersAreFrozenUntilTheyAreToldToLearn() {
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(LLAMA)) {
      assertThat(model.trainableParameters()).isEmpty();
      assertThat(model.requiresGrad(true).trainableParameters().keySet())
          .isEqualTo(model.parameters().keySet());
      assertThat(model.requiresGrad(false).trainableParameters()).isEmpty();
    }
  }

  @Test
  void theParameterCountFollowsTheFormula() {
    long perBlock = 2 * 32 + 2 * 32 * 32 + 2 * 16 * 32 + 3 * 40 * 32;
    try (CausalLM untied = AutoModelForCausalLM.fromPretrained(LLAMA);
        CausalLM tied = AutoModelForCausalLM.fromPretrained(TIED)) {
      assertThat(untied.parameterCount()).isEqualTo(2 * 64 * 32 + 2 * perBlock + 32);
      assertThat(tied.parameterCount()).isEqualTo(64 * 32 + 2 * perBlock + 32);
    }
  }

  @Test
  void tokensOutsideTheVocabularyAreRefused() {
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(LLAMA)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.logits(new int[] {1, 64}, new int[] {1, 1}, 1))
          .withMessageContaining("input_ids[1]: expected a token id in [0, 64), found 64");
    }
  }

  @Test
  void namesOfModulesAreThoseOfTheCheckpoint() {
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(TIED)) {
      assertThat(model.moduleNames())
          .contains(
              "model", "model.layers.1.self_attn", "model.layers.1.self_attn.k_proj", "lm_head")
          .doesNotHaveDuplicates();
      assertThat(Set.copyOf(model.moduleNames()))
          .containsAll(model.linearLayers().stream().map(layer -> layer.name()).toList());
    }
  }

  @Test
  void useAfterCloseIsAnErrorAndClosingTwiceIsNot() {
    CausalLM model = AutoModelForCausalLM.fromPretrained(LLAMA);
    model.close();
    model.close();
    assertThatIllegalStateException().isThrownBy(() -> model.logits(batch()));
    assertThatIllegalStateException().isThrownBy(() -> model.savePretrained(dir));
    assertThat(model).hasToString("closed CausalLM");
  }
}
