package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A config.json from anywhere can't make loading run for ages or take memory. */
class HostileConfigTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama/base");

  @TempDir Path dir;

  private String json() throws IOException {
    return Files.readString(LLAMA.resolve("config.json"));
  }

  private Path folder(String key, String value) throws IOException {
    return ChangedFolder.of(LLAMA, dir, t -> {}, json -> ChangedFolder.with(json, key, value));
  }

  @ParameterizedTest
  @CsvSource({
    "num_hidden_layers, 1000000000",
    "hidden_size, 2147483644",
    "vocab_size, 2147483647",
    "intermediate_size, 2147483647",
    "head_dim, 1000000000",
    "head_dim, 2147483646"
  })
  void absurdSizesAreRefusedBeforeAnythingIsBuilt(String key, String value) throws IOException {
    Path folder = folder(key, value);
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromPretrained(folder))
        .withMessageContaining(folder.toString())
        .withMessageContaining(value)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("[-").hasSizeLessThan(3000));
  }

  @ParameterizedTest
  @CsvSource({
    "num_hidden_layers, 1000000000",
    "hidden_size, 2147483644",
    "head_dim, 1000000000",
    "intermediate_size, 2147483647"
  })
  void absurdSizesOfFreshModelsNameTheKey(String key, String value) throws IOException {
    ModelConfig config = ModelConfig.of(ChangedFolder.with(json(), key, value), "config.json");
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromConfig(config, 0, Device.CPU))
        .withMessageContaining("config.json: ")
        .withMessageContaining(key)
        .withMessageContaining(value);
  }

  @Test
  void moreLayersThanTheCheckpointHasTensorsIsOneShortError() throws IOException {
    Path folder = folder("num_hidden_layers", "90000");
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromPretrained(folder))
        .withMessageContaining("num_hidden_layers")
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(1000));
  }

  @ParameterizedTest
  @ValueSource(strings = {"-0.5", "0", "1.5", "0.4"})
  void aPartOfTheHeadThatCannotBeRotatedIsRefused(String part) throws IOException {
    String json =
        json()
            .replace(
                "\"rope_theta\": 10000.0,",
                "\"rope_theta\": 10000.0, \"factor\": 2.0, \"partial_rotary_factor\": "
                    + part
                    + ",")
            .replace("\"rope_type\": \"default\"", "\"rope_type\": \"linear\"");
    ModelConfig config = ModelConfig.of(json, "config.json");
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> ModelFamilies.of(config).describe(config))
        .withMessageContaining("config.json: rope_parameters: partial_rotary_factor: expected")
        .withMessageContaining("found " + part);
  }

  @Test
  void aPartOfTheHeadBesideScalingIsNotOverlooked() throws IOException {
    String json =
        json().replace("\"rope_type\": \"default\"", "\"factor\": 2.0, \"rope_type\": \"linear\"");
    ModelConfig config =
        ModelConfig.of(ChangedFolder.with(json, "partial_rotary_factor", "0.5"), "config.json");
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(() -> ModelFamilies.of(config).describe(config))
        .withMessageContaining("config.json: partial_rotary_factor")
        .withMessageContaining("4 of 8");
  }

  @Test
  void llamaRotatesWholeHeadsWhateverThePartAsTransformersDoes() throws IOException {
    ModelConfig config =
        ModelConfig.of(ChangedFolder.with(json(), "partial_rotary_factor", "0.5"), "config.json");
    assertThat(ModelFamilies.of(config).describe(config).rotaryEmbeddings())
        .singleElement()
        .satisfies(rotary -> assertThat(rotary.rotaryDim()).isEqualTo(8));
  }

  @Test
  void bytesThatAreNoTextAreAFormatError() throws IOException {
    byte[] bytes = "{\"model_type\": \"ll\u00e4ma\"}".getBytes(StandardCharsets.ISO_8859_1);
    Files.write(dir.resolve("config.json"), bytes);
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> ModelConfig.load(dir))
        .withMessageContaining("config.json")
        .withMessageContaining("UTF-8");
  }

  @Test
  void nullsAndOldSpellingsCountAsTransformersCountsThem() throws IOException {
    String json =
        ChangedFolder.with(
            ChangedFolder.with(
                json().replaceAll("(?s)\"rope_parameters\": \\{.*?\\},", "\"rope_scaling\": null,"),
                "num_key_value_heads",
                "null"),
            "head_dim",
            "null");
    ModelConfig config =
        ModelConfig.of(ChangedFolder.with(json, "rope_theta", "500000"), "config.json");
    DecoderSpec spec = ModelFamilies.of(config).describe(config);
    AttentionShape attention = spec.blocks().get(0).attention().shape();
    assertThat(attention.kvHeads()).isEqualTo(4);
    assertThat(attention.headDim()).isEqualTo(8);
    assertThat(attention.rotary().orElseThrow().theta()).isEqualTo(500_000);
  }
}
