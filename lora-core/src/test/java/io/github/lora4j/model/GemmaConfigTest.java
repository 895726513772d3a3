package io.github.lora4j.model;

import static io.github.lora4j.model.ConfigTexts.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.nn.Activation;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RopeScaling;
import io.github.lora4j.nn.RotaryEmbedding;
import io.github.lora4j.tensor.Device;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Configurations of the generations of Gemma in their spellings. */
class GemmaConfigTest {

  private static AttentionShape shape(DecoderSpec spec, int layer) {
    return spec.blocks().get(layer).attention().shape();
  }

  private static Activation activation(DecoderSpec spec) {
    return ((MlpSpec.Gated) spec.blocks().get(0).mlp()).activation();
  }

  private static List<Integer> windows(DecoderSpec spec) {
    return spec.blocks().stream()
        .map(block -> block.attention().shape().window().orElse(0))
        .toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gemma", "gemma2", "gemma3_text"})
  void embeddingsAreScaledAndNormsLieAroundOne(String type) {
    DecoderSpec spec = spec(type, "");
    assertThat(spec.embedding().scale()).isEqualTo(8);
    assertThat(spec.norm().orElseThrow().kind()).isEqualTo(NormSpec.Kind.RMS_ONE_PLUS);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "gemma | \"\" | GELU_TANH",
        "gemma | 'hidden_act': 'gelu' | GELU_TANH",
        "gemma | 'hidden_act': 'gelu_new' | GELU_TANH",
        "gemma | 'hidden_act': 'silu' | SILU",
        "gemma | 'hidden_activation': 'silu' | GELU_TANH",
        "gemma2 | \"\" | GELU_TANH",
        "gemma2 | 'hidden_activation': 'gelu' | GELU",
        "gemma2 | 'hidden_act': 'silu' | GELU_TANH",
        "gemma3_text | 'hidden_activation': 'silu' | SILU",
        "gemma3_text | 'hidden_activation': null | GELU_TANH"
      })
  void theFirstGenerationCallsItsActivationOtherwise(
      String type, String keys, Activation expected) {
    assertThat(activation(spec(type, keys))).isEqualTo(expected);
  }

  @Test
  void boundsOfScoresAreOnInGemma2UnlessTheyAreNull() {
    DecoderSpec byDefault = spec("gemma2", "");
    assertThat(shape(byDefault, 0).softcap()).hasValue(50);
    assertThat(byDefault.head().softcap()).hasValue(30);
    DecoderSpec off =
        spec("gemma2", "'attn_logit_softcapping': null, 'final_logit_softcapping': null");
    assertThat(shape(off, 0).softcap()).isEmpty();
    assertThat(off.head().softcap()).isEmpty();
    DecoderSpec set =
        spec("gemma2", "'attn_logit_softcapping': 20.0, 'final_logit_softcapping': 10");
    assertThat(shape(set, 0).softcap()).hasValue(20);
    assertThat(set.head().softcap()).hasValue(10);
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec("gemma2", "'final_logit_softcapping': 0"))
        .withMessageContaining("final_logit_softcapping: expected null or more than 0");
  }

  @Test
  void boundsOfScoresAreOffInGemma3AndOnlyThoseOfTheHeadCount() {
    assertThat(spec("gemma3_text", "").head().softcap()).isEmpty();
    DecoderSpec set =
        spec("gemma3_text", "'attn_logit_softcapping': 20.0, 'final_logit_softcapping': 10");
    assertThat(shape(set, 0).softcap()).isEqualTo(OptionalDouble.empty());
    assertThat(set.head().softcap()).hasValue(10);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gemma2", "gemma3_text"})
  void scoresAreScaledByANumberOfTheirOwn(String type) {
    assertThat(shape(spec(type, ""), 0).scale()).isEqualTo(1 / 16.0);
    assertThat(shape(spec(type, "'head_dim': 16, 'query_pre_attn_scalar': 64"), 0).scale())
        .isEqualTo(1 / 8.0);
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec(type, "'query_pre_attn_scalar': 0"))
        .withMessageContaining("query_pre_attn_scalar");
  }

  @Test
  void windowsAlternate() {
    assertThat(windows(spec("gemma2", "'sliding_window': 8")))
        .containsExactly(8, 0, 8, 0, 8, 0, 8, 0);
    assertThat(windows(spec("gemma2", ""))).startsWith(4096, 0);
    String listed = "'num_hidden_layers': 2, 'layer_types': ['full_attention',";
    assertThat(windows(spec("gemma2", listed + " 'sliding_attention']"))).containsExactly(0, 4096);
    assertThat(windows(spec("gemma2", listed + " 'full_attention'], 'sliding_window': null")))
        .containsOnly(0);
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec("gemma2", "'sliding_window': null"))
        .withMessageContaining("sliding_window");
    assertThat(windows(spec("gemma3_text", "'sliding_window': 8")))
        .containsExactly(8, 8, 8, 8, 8, 0, 8, 8);
    assertThat(windows(spec("gemma3_text", "'sliding_window_pattern': 2, 'sliding_window': 8")))
        .containsExactly(8, 0, 8, 0, 8, 0, 8, 0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'rope_theta': 2000000.0, 'rope_local_base_freq': 5000.0, 'rope_scaling': {'rope_type':"
            + " 'linear', 'factor': 8.0}",
        "'rope_theta': 2000000.0, 'rope_local_base_freq': 5000, 'rope_scaling': {'type':"
            + " 'linear', 'factor': 8.0}",
        "'rope_parameters': {'full_attention': {'rope_type': 'linear', 'factor': 8.0,"
            + " 'rope_theta': 2000000.0}, 'sliding_attention': {'rope_type': 'default',"
            + " 'rope_theta': 5000.0}}",
        "'rope_theta': 2000000.0, 'rope_local_base_freq': 5000, 'rope_parameters':"
            + " {'full_attention': {'rope_type': 'linear', 'factor': 8.0}, 'sliding_attention':"
            + " null}"
      })
  void layersWithAndWithoutAWindowHaveRotaryEmbeddingsOfTheirOwn(String keys) {
    DecoderSpec spec = spec("gemma3_text", keys);
    assertThat(shape(spec, 5).rotary())
        .contains(new RotaryEmbedding(256, 2_000_000, new RopeScaling.Linear(8)));
    assertThat(shape(spec, 4).rotary())
        .contains(new RotaryEmbedding(256, 5_000, new RopeScaling.None()));
    assertThat(spec.rotaryEmbeddings()).hasSize(2);
  }

  @Test
  void withoutKeysTheRotaryEmbeddingsAreThoseOfTheFamily() {
    DecoderSpec spec = spec("gemma3_text", "'rope_scaling': null");
    assertThat(shape(spec, 5).rotary().orElseThrow().theta()).isEqualTo(1_000_000);
    assertThat(shape(spec, 4).rotary().orElseThrow().theta()).isEqualTo(10_000);
  }

  @Test
  void oneRotaryEmbeddingForAllLayersOfGemma3IsRefused() {
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec("gemma3_text", "'rope_parameters': {'rope_type': 'default'}"))
        .withMessageContaining("rope_parameters: expected an object with full_attention");
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(
            () ->
                spec(
                    "gemma3_text",
                    "'rope_scaling': {'rope_type': 'linear', 'factor': 8.0,"
                        + " 'partial_rotary_factor': 0.5}"))
        .withMessageContaining("rope_scaling: partial_rotary_factor");
  }

  @ParameterizedTest
  @ValueSource(strings = {"gemma", "gemma3_text"})
  void freshNormsDoNotScale(String type) {
    ModelConfig config =
        ConfigTexts.config(
            type,
            "'hidden_size': 8, 'head_dim': 4, 'num_hidden_layers': 1, 'intermediate_size': 8,"
                + " 'vocab_size': 10");
    try (CausalLM model = AutoModelForCausalLM.fromConfig(config, 1, Device.CPU)) {
      assertThat(model.parameters())
          .hasEntrySatisfying(
              "model.norm.weight", w -> assertThat(w.toFloatArray()).containsOnly(0))
          .hasEntrySatisfying(
              "model.layers.0.input_layernorm.weight",
              w -> assertThat(w.toFloatArray()).containsOnly(0));
    }
  }
}
