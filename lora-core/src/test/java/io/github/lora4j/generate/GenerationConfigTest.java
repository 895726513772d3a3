package io.github.lora4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerationConfigTest {

  @TempDir Path dir;

  @Test
  void holdsTransformersDefaults() {
    assertThat(GenerationConfig.builder().build())
        .isEqualTo(
            new GenerationConfig(
                20,
                0,
                false,
                1,
                50,
                1,
                OptionalDouble.empty(),
                1,
                OptionalLong.empty(),
                List.of(),
                OptionalInt.empty(),
                List.of()));
  }

  @Test
  void namesTheFieldThatIsOutOfRange() {
    refused(b -> b.maxNewTokens(0), "maxNewTokens must be at least 1 but is 0");
    refused(b -> b.minNewTokens(-1), "minNewTokens must be 0 or more");
    refused(b -> b.minNewTokens(21), "minNewTokens must be at most maxNewTokens=20 but is 21");
    refused(b -> b.temperature(0), "temperature must be above 0 (for the likeliest token");
    refused(b -> b.temperature(Double.NaN), "temperature must be");
    refused(b -> b.topK(-1), "topK must be at least 1");
    refused(b -> b.topP(1.5), "topP must be from 0 to 1 but is 1.5");
    refused(b -> b.minP(-0.1), "minP must be from 0 to 1");
    refused(b -> b.repetitionPenalty(0), "repetitionPenalty must be above 0");
    refused(b -> b.eosTokenIds(1, -2), "eosTokenIds must be token ids of 0 or more but is -2");
    refused(b -> b.padTokenId(-1), "padTokenId must be 0 or more");
    refused(b -> b.stopStrings("a", ""), "stopStrings holds an empty string");
  }

  @Test
  void samplingSettingsNeedSampling() {
    assertThatThrownBy(() -> GenerationConfig.builder().topP(0.9).temperature(0.7).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("temperature, topP would have no effect because doSample is false");
    assertThat(GenerationConfig.builder().temperature(1).topK(50).topP(1).build())
        .isEqualTo(GenerationConfig.builder().build());
    assertThat(GenerationConfig.builder().temperature(0.7).doSample(true).build().temperature())
        .isEqualTo(0.7);
  }

  @Test
  void inheritedSamplingSettingsMayRest() {
    GenerationConfig sampling =
        GenerationConfig.builder().doSample(true).temperature(0.7).minP(0.1).build();
    assertThat(sampling.toBuilder().doSample(false).build().temperature()).isEqualTo(0.7);
    assertThat(sampling.toBuilder().build()).isEqualTo(sampling);
  }

  @Test
  void readsGenerationConfigJson() throws IOException {
    write(
        "generation_config.json",
        """
        {"bos_token_id": 1, "eos_token_id": [7, 8, 7], "pad_token_id": 0, "do_sample": true,
         "temperature": 0.6, "top_p": 0.9, "top_k": 20, "min_p": 0.05, "repetition_penalty": 1.1,
         "max_new_tokens": 64, "min_new_tokens": 2, "stop_strings": "###", "max_length": 4096,
         "num_beams": 1, "transformers_version": "5.18.0"}
        """);
    write("config.json", "{'eos_token_id': 2}");
    assertThat(GenerationConfig.load(dir))
        .isEqualTo(
            GenerationConfig.builder()
                .doSample(true)
                .temperature(0.6)
                .topP(0.9)
                .topK(20)
                .minP(0.05)
                .repetitionPenalty(1.1)
                .maxNewTokens(64)
                .minNewTokens(2)
                .stopStrings("###")
                .eosTokenIds(7, 8)
                .padTokenId(0)
                .build());
  }

  @Test
  void takesFromConfigJsonTheIdsThatTheOtherFileLacks() throws IOException {
    write("config.json", "{'eos_token_id': 2, 'pad_token_id': -1}");
    assertThat(GenerationConfig.load(dir))
        .isEqualTo(GenerationConfig.builder().eosTokenIds(2).build());

    write("generation_config.json", "{'pad_token_id': 5, 'eos_token_id': null, 'top_k': null}");
    assertThat(GenerationConfig.load(dir))
        .isEqualTo(GenerationConfig.builder().eosTokenIds(2).padTokenId(5).build());

    write("config.json", "{'text_config': {'eos_token_id': [3, 4]}}");
    assertThat(GenerationConfig.load(dir).eosTokenIds()).containsExactly(3, 4);
  }

  @Test
  void aGreedyModelsLeftoversAreNoError() throws IOException {
    write("generation_config.json", "{'temperature': 0.9, 'top_p': 0.6}");
    GenerationConfig config = GenerationConfig.load(dir);
    assertThat(config.doSample()).isFalse();
    assertThat(config.toBuilder().maxNewTokens(5).build().temperature()).isEqualTo(0.9);

    write("generation_config.json", "{'temperature': 0.0, 'do_sample': false}");
    assertThat(GenerationConfig.load(dir).temperature()).isEqualTo(1);
  }

  @Test
  void settingsThatAreNotBuiltAreLeftOut() throws IOException {
    write("generation_config.json", "{'num_beams': 4, 'suppress_tokens': [1], 'eos_token_id': 2}");
    assertThat(GenerationConfig.load(dir))
        .isEqualTo(GenerationConfig.builder().eosTokenIds(2).build());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{'eos_token_id': 'x'}   | eos_token_id must be an integer but is \"x\"",
        "{'eos_token_id': [1.5]} | eos_token_id must be an integer but is 1.5",
        "{'eos_token_id': 99999999999} | eos_token_id must be an integer",
        "{'eos_token_id': -7}    | eosTokenIds",
        "{'do_sample': 1}        | do_sample must be true or false but is 1",
        "{'top_p': '0.9'}        | top_p must be a number",
        "{'top_p': 3}            | topP must be from 0 to 1 but is 3.0",
        "{'stop_strings': [1]}   | stop_strings must be a string or a list of strings",
        "{'stop_strings': {}}    | stop_strings must be a string or a list of strings",
        "[1]                     | does not hold a JSON object",
        "{'a                     | is not JSON",
        "'a'                     | does not hold a JSON object",
      })
  void aDamagedFileIsNamedWithTheKey(String json, String message) throws IOException {
    write("generation_config.json", json);
    assertThatThrownBy(() -> GenerationConfig.load(dir))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("generation_config.json")
        .hasMessageContaining(message);
  }

  @Test
  void anEmptyFileIsNoSettings() throws IOException {
    write("generation_config.json", "");
    assertThatThrownBy(() -> GenerationConfig.load(dir))
        .isInstanceOf(CheckpointFormatException.class);
  }

  @Test
  void aFolderWithoutEitherFileIsRefused() {
    assertThatThrownBy(() -> GenerationConfig.load(dir))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(dir.toString())
        .hasMessageContaining("generation_config.json nor config.json");
  }

  private void write(String name, String json) throws IOException {
    Files.writeString(dir.resolve(name), json.replace('\'', '"'));
  }

  private static void refused(UnaryOperator<GenerationConfig.Builder> change, String message) {
    GenerationConfig.Builder builder = change.apply(GenerationConfig.builder().doSample(true));
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
