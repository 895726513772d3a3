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
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Configurations of Mistral, Qwen, SmolLM3, Granite and OLMo 2 in their spellings. */
class LlamaLikeConfigTest {

  private static AttentionShape shape(DecoderSpec spec, int layer) {
    return spec.blocks().get(layer).attention().shape();
  }

  private static List<Integer> windows(DecoderSpec spec) {
    return spec.blocks().stream()
        .map(block -> block.attention().shape().window().orElse(0))
        .toList();
  }

  private static List<Boolean> biases(AttentionSpec attention) {
    AttentionSpec.SeparateQkv qkv = (AttentionSpec.SeparateQkv) attention.qkv();
    return List.of(qkv.q().bias(), qkv.k().bias(), qkv.v().bias(), attention.output().bias());
  }

  private static boolean mlpBias(DecoderSpec spec) {
    return ((MlpSpec.Gated) spec.blocks().get(0).mlp()).down().bias();
  }

  @ParameterizedTest
  @CsvSource({
    "mistral, 16, 131072, 1e-6, false, 10000",
    "qwen2, 16, 32768, 1e-6, false, 10000",
    "qwen3, 128, 32768, 1e-6, false, 10000",
    "smollm3, 16, 32768, 1e-6, true, 2000000",
    "granite, 16, 2048, 1e-6, false, 10000",
    "olmo2, 16, 2048, 1e-5, false, 10000",
    "phi3, 16, 4096, 1e-5, false, 10000",
    "gemma, 256, 8192, 1e-6, true, 10000",
    "gemma2, 256, 8192, 1e-6, true, 10000",
    "gemma3_text, 256, 131072, 1e-6, true, 10000"
  })
  void whatIsMissingIsTakenFromTheFamily(
      String type, int headDim, int maxPositions, double eps, boolean tied, double theta) {
    DecoderSpec spec = spec(type, "");
    assertThat(shape(spec, 0).headDim()).isEqualTo(headDim);
    assertThat(spec.maxPositionEmbeddings()).isEqualTo(maxPositions);
    assertThat(spec.norm().orElseThrow().eps()).isEqualTo(eps);
    assertThat(spec.tieWordEmbeddings()).isEqualTo(tied);
    assertThat(shape(spec, 0).rotary())
        .contains(new RotaryEmbedding(headDim, theta, new RopeScaling.None()));
  }

  @ParameterizedTest
  @CsvSource({"mistral, 8", "qwen2, 32", "qwen3, 32", "smollm3, 4", "gemma, 16", "gemma2, 4"})
  void missingKeyValueHeadsAreTheFamilysAndNullOnesAsManyAsHeads(String type, int byDefault) {
    ModelConfig config =
        ConfigTexts.config(type, "'num_attention_heads': 32, 'head_dim': 16")
            .without("num_key_value_heads");
    assertThat(shape(ModelFamilies.of(config).describe(config), 0).kvHeads()).isEqualTo(byDefault);
    DecoderSpec none =
        spec(type, "'num_attention_heads': 32, 'head_dim': 16, 'num_key_value_heads': null");
    assertThat(shape(none, 0).kvHeads()).isEqualTo(32);
  }

  @Test
  void mistralsWindowIsInAllLayersUnlessItIsNull() {
    assertThat(windows(spec("mistral", ""))).containsOnly(4096);
    assertThat(windows(spec("mistral", "'sliding_window': 8"))).containsOnly(8);
    assertThat(windows(spec("mistral", "'sliding_window': null"))).containsOnly(0);
  }

  @Test
  void mistralWithWindowsInSomeLayersIsRefusedWhereThatMakesADifference() {
    String types =
        "'num_hidden_layers': 2, 'layer_types': ['sliding_attention', 'full_attention'], ";
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(() -> spec("mistral", types + "'sliding_window': 8"))
        .withMessageContaining("config.json: layer_types");
    DecoderSpec wide = spec("mistral", types + "'sliding_window': 8, 'max_position_embeddings': 8");
    assertThat(windows(wide)).containsOnly(8);
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec("mistral", "'sliding_window': 0"))
        .withMessageContaining("sliding_window");
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen2", "qwen3"})
  void windowsOfQwenAreOffUnlessTheyAreUsed(String type) {
    assertThat(windows(spec(type, "'sliding_window': 8, 'max_window_layers': 2"))).containsOnly(0);
    assertThat(windows(spec(type, "'use_sliding_window': true, 'sliding_window': null")))
        .containsOnly(0);
    assertThat(windows(spec(type, "'use_sliding_window': true"))).containsOnly(0);
    String used = "'use_sliding_window': true, 'sliding_window': 8, ";
    assertThat(windows(spec(type, used + "'max_window_layers': 6")))
        .containsExactly(0, 0, 0, 0, 0, 0, 8, 8);
    String types =
        "'num_hidden_layers': 3, 'layer_types': ['sliding_attention', 'attention',"
            + " 'full_attention']";
    assertThat(windows(spec(type, used + types))).containsExactly(8, 0, 0);
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec(type, types))
        .withMessageContaining("config.json: sliding_window: expected");
  }

  @Test
  void listsOfLayerTypesAreChecked() {
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec("qwen3", "'layer_types': ['full_attention']"))
        .withMessageContaining("layer_types: expected one for each of 8 layers");
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(
            () -> spec("qwen3", "'num_hidden_layers': 1, 'layer_types': ['linear_attention']"))
        .withMessageContaining("layer_types: 'linear_attention' is not supported");
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec("qwen3", "'layer_types': 'full_attention'"))
        .withMessageContaining("layer_types: expected a list of strings");
  }

  @Test
  void biasesOfQwen() {
    AttentionSpec two = spec("qwen2", "").blocks().get(0).attention();
    assertThat(biases(two)).containsExactly(true, true, true, false);
    assertThat(two.norms()).isEmpty();
    AttentionSpec three = spec("qwen3", "'attention_bias': true").blocks().get(0).attention();
    assertThat(biases(three)).containsOnly(true);
    assertThat(biases(spec("qwen3", "").blocks().get(0).attention())).containsOnly(false);
    assertThat(three.norms().orElseThrow().perHead()).isTrue();
  }

  @Test
  void longContextsOfQwenInOldAndNewSpelling() {
    RopeScaling.Yarn yarn = new RopeScaling.Yarn(4, 32768, 32, 1, 0.1 * Math.log(4) + 1, true);
    String numbers = "'factor': 4.0, 'original_max_position_embeddings': 32768";
    String old = "'rope_theta': 1000000.0, 'rope_scaling': {'type': 'yarn', " + numbers + "}";
    String renamed = old.replace("'type'", "'rope_type'");
    String today =
        "'rope_parameters': {'rope_type': 'yarn', 'rope_theta': 1000000.0, " + numbers + "}";
    for (String keys : List.of(old, renamed, today, today + ", 'rope_scaling': {}")) {
      assertThat(spec("qwen2", keys).rotaryEmbeddings())
          .containsExactly(new RotaryEmbedding(16, 1_000_000, yarn));
    }
  }

  @Test
  void everyFourthLayerOfSmolLM3HasNoRotaryEmbedding() {
    RotaryEmbedding rotary = new RotaryEmbedding(16, 5_000_000, new RopeScaling.None());
    String theta = "'rope_theta': 5000000.0";
    assertThat(spec("smollm3", theta).blocks())
        .extracting(block -> block.attention().shape().rotary().isPresent())
        .containsExactly(true, true, true, false, true, true, true, false);
    assertThat(spec("smollm3", theta + ", 'no_rope_layer_interval': 2").blocks())
        .extracting(block -> block.attention().shape().rotary())
        .startsWith(Optional.of(rotary), Optional.empty(), Optional.of(rotary));
    assertThat(spec("smollm3", theta + ", 'no_rope_layers': [0, 1, 1, 1, 1, 1, 1, 0, 0]").blocks())
        .extracting(block -> block.attention().shape().rotary().isPresent())
        .containsExactly(false, true, true, true, true, true, true, false);
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec("smollm3", "'no_rope_layers': [0, 1]"))
        .withMessageContaining("no_rope_layers: expected 0 or 1 for each of the layers");
  }

  @Test
  void windowsOfSmolLM3AreThoseOfLayersWithoutRotaryEmbedding() {
    String used = "'use_sliding_window': true, 'sliding_window': 8";
    assertThat(windows(spec("smollm3", used))).containsExactly(0, 0, 0, 8, 0, 0, 0, 8);
    assertThat(windows(spec("smollm3", "'sliding_window': 8"))).containsOnly(0);
    String listed =
        "'sliding_window': 8, 'num_hidden_layers': 2, 'layer_types': ['sliding_attention',"
            + " 'full_attention']";
    assertThat(windows(spec("smollm3", listed))).containsExactly(8, 0);
    assertThat(mlpBias(spec("smollm3", "'mlp_bias': true"))).isTrue();
    assertThat(biases(spec("smollm3", "'attention_bias': true").blocks().get(0).attention()))
        .containsOnly(true);
  }

  @Test
  void multipliersOfGranite() {
    DecoderSpec spec =
        spec(
            "granite",
            "'embedding_multiplier': 12, 'logits_scaling': 8.0, 'residual_multiplier': 0.22,"
                + " 'attention_multiplier': 0.0156, 'attention_bias': true, 'mlp_bias': true");
    assertThat(spec.embedding().scale()).isEqualTo(12);
    assertThat(spec.head().scale()).isEqualTo(0.125);
    assertThat(spec.blocks().get(0).residualScale()).isEqualTo(0.22);
    assertThat(shape(spec, 0).scale()).isEqualTo(0.0156);
    assertThat(biases(spec.blocks().get(0).attention())).containsOnly(true);
    assertThat(mlpBias(spec)).isTrue();
    // Without a multiplier, scores aren't scaled at all.
    assertThat(shape(spec("granite", ""), 0).scale()).isEqualTo(1);
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec("granite", "'logits_scaling': 0"))
        .withMessageContaining("logits_scaling");
  }

  @Test
  void normsOfOlmo2StandBehind() {
    BlockSpec block = spec("olmo2", "'attention_bias': true").blocks().get(0);
    assertThat(block.beforeAttention()).isEmpty();
    assertThat(block.beforeMlp()).isEmpty();
    assertThat(block.afterAttention())
        .contains(new NormSpec("post_attention_layernorm", NormSpec.Kind.RMS_WIDE, 1e-5, false));
    assertThat(block.attention().norms().orElseThrow().perHead()).isFalse();
    assertThat(biases(block.attention())).containsOnly(true);
    assertThat(mlpBias(spec("olmo2", "'mlp_bias': true"))).isFalse();
  }

  @Test
  void headsMayHaveASizeOfTheirOwn() {
    for (String type : List.of("mistral", "qwen2", "qwen3", "smollm3", "granite", "olmo2")) {
      assertThat(shape(spec(type, "'head_dim': 24"), 0).headDim()).as(type).isEqualTo(24);
    }
    DecoderSpec odd = spec("qwen3", "'hidden_size': 65");
    assertThat(shape(odd, 0).headDim()).isEqualTo(128);
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec("qwen2", "'hidden_size': 65"))
        .withMessageContaining("num_attention_heads: expected a divisor of hidden_size 65");
  }

  @Test
  void activationsByName() {
    assertThat(((MlpSpec.Gated) spec("mistral", "").blocks().get(0).mlp()).activation())
        .isEqualTo(Activation.SILU);
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec("mistral", "'hidden_act': 'softmax'"))
        .withMessageContaining("hidden_act");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "'is_causal': false | is_causal",
        "'use_bidirectional_attention': true | use_bidirectional_attention",
        "'per_layer_config': {} | per_layer_config",
        "'rope_parameters': {'full_attention': {}} | full_attention",
        "'rope_scaling': {'rope_type': 'proportional'} | proportional"
      })
  void whatIsNotBuiltIsRefusedByName(String keys, String name) {
    for (String type : List.of("llama", "qwen3", "gemma2", "phi3")) {
      assertThatExceptionOfType(UnsupportedModelException.class)
          .isThrownBy(() -> spec(type, keys))
          .withMessageContaining("config.json: ")
          .withMessageContaining(name);
    }
  }

  @Test
  void aModelOfTextsAndImagesSaysWhereItsTextModelIs() {
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(() -> spec("mistral3", "'text_config': {'model_type': 'mistral'}"))
        .withMessageContaining("model_type 'mistral3' is not supported; known are: llama, mistral")
        .withMessageContaining("Its text model (model_type 'mistral')")
        .withMessageContaining("docs/COMPATIBILITY.md");
  }
}
