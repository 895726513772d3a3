package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.testing.DevelopmentData;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AdapterConfigFileTest {

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"full", "bare"})
  void writesWhatPeftWrote(String name) throws IOException {
    Path saved = Fixtures.path("/peft/saved_" + name);
    LoraConfig config = LoraConfig.load(saved);
    AdapterConfigWriter.write(folder, config, config.targetModules(), Optional.empty());
    assertThat(read(folder)).isEqualTo(read(saved));
  }

  @Test
  void readsWhatPeftWrote() {
    assertThat(LoraConfig.load(Fixtures.path("/peft/saved_full")).toBuilder().build())
        .isEqualTo(full().otherKeys(full().otherKeys).build())
        .satisfies(config -> assertThat(config.otherKeys()).containsKey("megatron_core"));
  }

  @Test
  void writesTheSameForAConfigurationMadeHere() throws IOException {
    LoraConfig made = full().otherKeys(Map.of()).build();
    AdapterConfigWriter.write(folder, made, made.targetModules(), Optional.empty());
    assertThat(read(folder)).isEqualTo(read(Fixtures.path("/peft/saved_full")));
  }

  private static LoraConfigBuilder full() {
    return LoraConfig.builder()
        .taskType(TaskType.CAUSAL_LM)
        .r(5)
        .alpha(12.5)
        .dropout(1e-5)
        .useRslora(true)
        .initLoraWeights("gaussian")
        .targetModules("q_proj")
        .excludeModules("layers.0.self_attn.q_proj")
        .layersToTransform(0, 2)
        .layersPattern("layers")
        .rankPattern("^a", 3)
        .rankPattern("b.*é\\.", 4)
        .alphaPattern("a", 3)
        .alphaPattern("b", 0.5)
        .baseModelNameOrPath("org/modèle \"x\"")
        .revision("main")
        .inferenceMode(true)
        .otherKeys(LoraConfig.load(Fixtures.path("/peft/saved_full")).otherKeys());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "alllinear",
        "basic_causal",
        "bf16_base",
        "embed",
        "gpt2",
        "mixtral_params",
        "mts",
        "mts_tied",
        "named/french",
        "no_task",
        "rank_pattern",
        "regex",
        "seqcls",
        "wb",
        "bias_all",
        "bias_lora_only",
        "dora",
        "layer_repl",
        "lora_bias",
        "mts_tied_ensure",
        "tokens",
        "tokens_tied"
      })
  void roundTripsAdaptersOfPeft(String name) throws IOException {
    Path saved = adapters().resolve(name);
    LoraConfig config = LoraConfig.load(saved);
    AdapterConfigWriter.write(folder, config, config.targetModules(), Optional.empty());
    assertThat(withSortedTargets(folder)).isEqualTo(withSortedTargets(saved));
  }

  @Test
  void pointsToTheSubFolderOfANamedAdapter() {
    Path saved = adapters().resolve("named");
    assertThatThrownBy(() -> LoraConfig.load(saved))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("adapter_model.safetensors")
        .hasMessageContaining("sub-folders french");
  }

  @Test
  void needsNothingButTheType() throws IOException {
    assertThat(loadText("{\"peft_type\": \"LORA\"}")).isEqualTo(LoraConfig.builder().build());
  }

  @Test
  void keepsKeysItDoesNotKnow() throws IOException {
    LoraConfig config =
        loadText(
            """
            {"peft_type": "LORA", "peft_version": "0.9.0", "megatron_core": "elsewhere",
             "from_the_future": {"b": [1, 2.5, null], "a": "x"}, "runtime_config": {}}
            """);
    AdapterConfigWriter.write(folder, config, config.targetModules(), Optional.empty());
    JsonNode written = PeftAnswers.JSON.readTree(read(folder));
    assertThat(written.get("from_the_future").toString())
        .isEqualTo("{\"a\":\"x\",\"b\":[1,2.5,null]}");
    assertThat(written.get("peft_version").asText()).isEqualTo("0.9.0");
    assertThat(written.get("megatron_core").asText()).isEqualTo("elsewhere");
    assertThat(written.has("runtime_config")).isFalse();
  }

  @Test
  void keepsTheOrderOfPatterns() throws IOException {
    LoraConfig config =
        LoraConfig.builder().rankPattern("q_proj", 2).rankPattern("^model.q_proj", 5).build();
    AdapterConfigWriter.write(
        folder, config, TargetModules.names("v_proj", "q_proj"), Optional.empty());
    assertThat(LoraConfig.load(folder).rankPattern().keySet())
        .containsExactly("q_proj", "^model.q_proj");
    assertThat(read(folder)).contains("\"q_proj\",\n    \"v_proj\"");
  }

  @Test
  void writesTheBaseModelsClassWhereThereIsNoTask() throws IOException {
    var llama =
        new AdapterConfigWriter.BaseModelClass(
            "LlamaForCausalLM", "transformers.models.llama.modeling_llama");
    LoraConfig none = LoraConfig.builder().targetModules("q_proj").build();
    AdapterConfigWriter.write(folder, none, none.targetModules(), Optional.of(llama));
    assertThat(PeftAnswers.JSON.readTree(read(folder)).get("auto_mapping").toString())
        .isEqualTo(
            "{\"base_model_class\":\"LlamaForCausalLM\",\"parent_library\":\"transformers.models.llama.modeling_llama\"}");
    LoraConfig causal = none.toBuilder().taskType(TaskType.CAUSAL_LM).build();
    AdapterConfigWriter.write(folder, causal, causal.targetModules(), Optional.of(llama));
    assertThat(PeftAnswers.JSON.readTree(read(folder)).get("auto_mapping").isNull()).isTrue();
  }

  @Test
  void ignoresSettingsThatOnlyAccompanyAnotherBeginning() throws IOException {
    LoraConfig config =
        loadText("{\"peft_type\": \"LORA\", \"eva_config\": {\"rho\": 2.0}, \"use_dora\": null}");
    assertThat(config.initLoraWeights()).isEqualTo(InitLoraWeights.KAIMING);
  }

  @Test
  void keepsHowEvaSearches(@TempDir Path dir) throws IOException {
    LoraConfig config =
        loadText(
            "{\"peft_type\": \"LORA\", \"init_lora_weights\": \"eva\", \"target_modules\":"
                + " [\"q_proj\"], \"eva_config\": {\"rho\": 1.5, \"whiten\": true}}");
    EvaConfig expected = new EvaConfig(1.5, 0.99, true, -100, true, true);
    assertThat(config.evaConfig()).contains(expected);
    AdapterConfigWriter.write(dir, config, config.targetModules(), Optional.empty());
    assertThat(LoraConfig.load(dir).evaConfig()).contains(expected);
    assertThat(PeftAnswers.JSON.readTree(read(dir)).get("eva_config").get("rho").doubleValue())
        .isEqualTo(1.5);
    assertThatThrownBy(
            () -> loadText("{\"peft_type\": \"LORA\", \"eva_config\": {\"tau\": \"much\"}}"))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("eva_config.tau");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ADALORA", "IA3", "lora"})
  void refusesOtherKindsOfAdapters(String type) {
    assertThatThrownBy(() -> loadText("{\"peft_type\": \"%s\"}".formatted(type)))
        .isInstanceOf(AdapterMismatchException.class)
        .hasMessageContaining("\"" + type + "\"")
        .hasMessageContaining("\"LORA\"");
  }

  @Test
  void listsAllThatIsNotBuiltAtOnce() {
    assertThatThrownBy(
            () ->
                loadText(
                    """
                    {"peft_type": "LORA", "use_qalora": true, "init_lora_weights": "corda",
                     "kasa_config": {"beta": 1}, "alora_invocation_tokens": [7]}
                    """))
        .isInstanceOf(AdapterMismatchException.class)
        .hasMessageContainingAll(
            "\"use_qalora\" is true",
            "corda",
            "\"kasa_config\" is",
            "\"alora_invocation_tokens\" is [7]",
            "merge_and_unload");
  }

  @Test
  void readsAndWritesLoftqsConfiguration() throws IOException {
    String loftq =
        """
        {"peft_type": "LORA", "init_lora_weights": %s, "loftq_config": %s}
        """;
    LoraConfig read = loadText(loftq.formatted("\"loftq\"", "{\"loftq_iter\": 5}"));
    assertThat(read.loftqConfig()).hasValue(new LoftQConfig(4, 5));
    assertThat(AdapterConfigWriter.text(read, TargetModules.names("q_proj"), Optional.empty()))
        .contains("\"init_lora_weights\": \"loftq\",")
        .contains("\"loftq_config\": {\n    \"loftq_bits\": 4,\n    \"loftq_iter\": 5\n  },");
    // PEFT ignores it elsewhere, whatever it holds.
    LoraConfig plain = loadText(loftq.formatted("true", "{\"loftq_bits\": 2}"));
    assertThat(plain.loftqConfig()).isEmpty();
    assertThat(AdapterConfigWriter.text(plain, TargetModules.names("q_proj"), Optional.empty()))
        .contains("\"loftq_config\": {},");
    assertThatThrownBy(() -> loadText(loftq.formatted("\"loftq\"", "{\"loftq_bits\": 2}")))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("\"loftq_config\"")
        .hasMessageContaining("found 2");
    assertThatThrownBy(() -> loadText(loftq.formatted("\"loftq\"", "{}")))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("loftqConfig");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "r | 8.5",
        "r | null",
        "r | 99999999999999",
        "lora_alpha | \"16\"",
        "lora_alpha | null",
        "lora_dropout | true",
        "target_modules | 3",
        "target_modules | [\"q_proj\", 3]",
        "target_modules | [\"q_proj\", \"\"]",
        "target_modules | \"a[\"",
        "exclude_modules | {}",
        "use_rslora | 1",
        "rank_pattern | []",
        "rank_pattern | {\"q_proj\": \"4\"}",
        "alpha_pattern | {\"q_proj\": null}",
        "layers_to_transform | \"1\"",
        "layers_to_transform | [1.5]",
        "layers_pattern | [null]",
        "init_lora_weights | 1",
        "bias | \"some\"",
        "lora_bias | 1",
        "use_dora | \"yes\"",
        "trainable_token_indices | [1, 1]",
        "trainable_token_indices | {\"embed_tokens\": 3}",
        "layer_replication | [3]",
        "ensure_weight_tying | 0",
        "task_type | \"CAUSAL\"",
        "inference_mode | \"yes\"",
        "base_model_name_or_path | 7",
        "revision | []",
      })
  void namesTheKeyOfAWrongValue(String key, String value) {
    assertThatThrownBy(
            () -> loadText("{\"peft_type\": \"LORA\", \"%s\": %s}".formatted(key, value)))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(folder.resolve("adapter_config.json").toString())
        .hasMessageContaining(key);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"r\": 0}",
        "{\"lora_dropout\": 2}",
        "{\"rank_pattern\": {\"(\": 3}}",
        "{\"target_modules\": []}",
        "{\"target_modules\": \".*\", \"layers_to_transform\": [1]}",
        "{\"target_modules\": [\"q\"], \"layers_pattern\": \"h\"}"
      })
  void namesTheFileWhoseValuesMakeNoSense(String values) {
    assertThatThrownBy(() -> loadText("{\"peft_type\": \"LORA\", " + values.substring(1)))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(folder.resolve("adapter_config.json").toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "[]", "\"LORA\"", "{\"peft_type\": \"LORA\"} x", "{}", "null"})
  void namesADamagedFile(String text) {
    assertThatThrownBy(() -> loadText(text))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(folder.resolve("adapter_config.json").toString());
  }

  @Test
  void saysWhatAFolderOfAnAdapterHolds() {
    assertThatThrownBy(() -> LoraConfig.load(folder))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContainingAll("adapter_config.json", "adapter_model.safetensors");
    assertThatThrownBy(() -> LoraConfig.load(folder.resolve("missing")))
        .hasMessageContaining("no folder");
  }

  @Test
  void refusesPickles() throws IOException {
    Files.createFile(folder.resolve("adapter_model.bin"));
    assertThatThrownBy(() -> LoraConfig.load(folder)).hasMessageContaining("pickle");
  }

  @Property(tries = 300)
  void neverFailsInAnotherWayThanItSays(@ForAll int where, @ForAll byte what) throws IOException {
    Path damaged = Files.createTempDirectory("adapter");
    byte[] bytes = Files.readAllBytes(Fixtures.path("/peft/saved_full/adapter_config.json"));
    bytes[Math.floorMod(where, bytes.length)] = what;
    Path file = Files.write(damaged.resolve("adapter_config.json"), bytes);
    try {
      LoraConfig config = LoraConfig.load(damaged);
      AdapterConfigWriter.write(damaged, config, config.targetModules(), Optional.empty());
      assertThat(LoraConfig.load(damaged).r()).isEqualTo(config.r());
    } catch (LoraException e) {
      assertThat(e).hasMessageContaining(file.toString());
    } finally {
      Files.delete(file);
      Files.delete(damaged);
    }
  }

  private LoraConfig loadText(String text) throws IOException {
    Files.writeString(folder.resolve("adapter_config.json"), text);
    return LoraConfig.load(folder);
  }

  private static String read(Path folder) throws IOException {
    return Files.readString(folder.resolve("adapter_config.json"));
  }

  private static JsonNode withSortedTargets(Path folder) throws IOException {
    ObjectNode json = (ObjectNode) PeftAnswers.JSON.readTree(read(folder));
    if (json.get("target_modules") instanceof ArrayNode targets) {
      List<String> sorted = PeftAnswers.strings(targets).stream().sorted().toList();
      targets.removeAll();
      sorted.forEach(targets::add);
    }
    return json;
  }

  private static Path adapters() {
    return DevelopmentData.require("fixtures/peft-adapters");
  }
}
