package io.github.lora4j.model;

import static io.github.lora4j.model.ConfigTexts.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.model.BlockSpec.Arrangement;
import io.github.lora4j.nn.Activation;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.QkvLayout;
import io.github.lora4j.nn.RopeScaling;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Configurations of Phi, GPT-2, GPT-NeoX, OPT, Falcon, StableLM and StarCoder2. */
class GptLikeConfigTest {

  private static BlockSpec block(DecoderSpec spec) {
    return spec.blocks().get(0);
  }

  private static AttentionShape shape(DecoderSpec spec) {
    return block(spec).attention().shape();
  }

  private static RotaryEmbedding rotary(DecoderSpec spec) {
    return shape(spec).rotary().orElseThrow();
  }

  private static MlpSpec.Plain mlp(DecoderSpec spec) {
    return (MlpSpec.Plain) block(spec).mlp();
  }

  private static List<Boolean> biases(DecoderSpec spec) {
    AttentionSpec attention = block(spec).attention();
    boolean in =
        attention.qkv() instanceof AttentionSpec.FusedQkv fused
            ? fused.qkv().bias()
            : ((AttentionSpec.SeparateQkv) attention.qkv()).q().bias();
    boolean mlp =
        block(spec).mlp() instanceof MlpSpec.Plain plain
            ? plain.up().bias()
            : ((MlpSpec.Gated) block(spec).mlp()).up().bias();
    return List.of(in, attention.output().bias(), mlp);
  }

  private static List<String> norms(DecoderSpec spec) {
    return DecoderSpec.normsOf(block(spec)).map(NormSpec::name).toList();
  }

  @ParameterizedTest
  @CsvSource({
    "phi, 2048, 1e-5, false, 8, GELU_TANH",
    "gpt_neox, 2048, 1e-5, false, 4, GELU",
    "falcon, 2048, 1e-5, true, 16, GELU",
    "starcoder2, 4096, 1e-5, true, 16, GELU_TANH"
  })
  void whatIsMissingIsTakenFromTheFamily(
      String type,
      int maxPositions,
      double eps,
      boolean tied,
      int rotaryDim,
      Activation activation) {
    DecoderSpec spec = spec(type, "");
    assertThat(spec.maxPositionEmbeddings()).isEqualTo(maxPositions);
    assertThat(spec.norm().orElseThrow().eps()).isEqualTo(eps);
    assertThat(spec.tieWordEmbeddings()).isEqualTo(tied);
    assertThat(rotary(spec))
        .isEqualTo(new RotaryEmbedding(rotaryDim, 10_000, new RopeScaling.None()));
    assertThat(mlp(spec).activation()).isEqualTo(activation);
  }

  @Test
  void learnedPositionsTakeTheirDefaultsFromTheFamily() {
    DecoderSpec gpt2 = spec("gpt2", "");
    assertThat(gpt2.embedding().positions())
        .contains(new DecoderSpec.PositionSpec("transformer.wpe", 1024, 0, false));
    assertThat(gpt2.embedding().rowsOfPositions()).isEqualTo(1024);
    assertThat(gpt2.tieWordEmbeddings()).isTrue();
    assertThat(mlp(gpt2).intermediateSize()).isEqualTo(256);
    assertThat(mlp(gpt2).activation()).isEqualTo(Activation.GELU_TANH);
    DecoderSpec opt = spec("opt", "'ffn_dim': 112");
    assertThat(opt.embedding().positions())
        .contains(new DecoderSpec.PositionSpec("model.decoder.embed_positions", 2050, 2, true));
    assertThat(opt.embedding().rowsOfPositions()).isEqualTo(2048);
    assertThat(opt.tieWordEmbeddings()).isTrue();
    assertThat(mlp(opt).activation()).isEqualTo(Activation.RELU);
  }

  @ParameterizedTest
  @CsvSource({"stablelm, 8, 32", "starcoder2, 4, 2", "phi, 4, 4"})
  void missingKeyValueHeadsAreThoseOfTheFamily(String type, int heads, int kvHeads) {
    ModelConfig config =
        ConfigTexts.config(
                type, "'hidden_size': 512, 'num_attention_heads': " + Math.max(heads, kvHeads))
            .without("num_key_value_heads");
    assertThat(shape(ModelFamilies.of(config).describe(config)).kvHeads()).isEqualTo(kvHeads);
  }

  // ---- phi

  @Test
  void phiIsParallelWithBiasesEverywhere() {
    DecoderSpec spec = spec("phi", "'partial_rotary_factor': 0.25, 'rope_theta': 500");
    assertThat(block(spec).arrangement()).isEqualTo(Arrangement.PARALLEL);
    assertThat(norms(spec)).containsExactly("input_layernorm");
    assertThat(biases(spec)).containsExactly(true, true, true);
    assertThat(spec.head().bias()).isTrue();
    assertThat(rotary(spec)).isEqualTo(new RotaryEmbedding(4, 500, new RopeScaling.None()));
    assertThat(block(spec).attention().norms()).isEmpty();
    assertThat(block(spec("phi", "'qk_layernorm': true")).attention().norms())
        .hasValueSatisfying(
            norms -> {
              assertThat(norms.perHead()).isTrue();
              assertThat(norms.k()).isEqualTo(NormSpec.layer("self_attn.k_layernorm", 1e-5));
            });
  }

  // ---- gpt2

  @Test
  void gpt2IsReadInItsOwnSpellingAndTheCommonOneWhichWins() {
    String own = "'n_embd': 64, 'n_head': 4, 'n_layer': 2, 'n_positions': 50";
    ModelConfig config =
        ModelConfig.of(
            ("{'model_type': 'gpt2', 'vocab_size': 99, " + own + "}").replace('\'', '"'), "here");
    DecoderSpec spec = ModelFamilies.of(config).describe(config);
    assertThat(spec.hiddenSize()).isEqualTo(64);
    assertThat(shape(spec).heads()).isEqualTo(4);
    assertThat(spec.numHiddenLayers()).isEqualTo(2);
    assertThat(spec.maxPositionEmbeddings()).isEqualTo(50);
    DecoderSpec both = spec("gpt2", "'n_embd': 32, 'n_head': 2, 'n_layer': 3");
    assertThat(both.hiddenSize()).isEqualTo(64);
    assertThat(shape(both).heads()).isEqualTo(4);
    assertThat(both.numHiddenLayers()).isEqualTo(8);
  }

  @Test
  void gpt2sWeightsHaveTheInputFirst() {
    AttentionSpec attention = block(spec("gpt2", "'n_inner': 100")).attention();
    AttentionSpec.FusedQkv qkv = (AttentionSpec.FusedQkv) attention.qkv();
    assertThat(qkv.qkv()).isEqualTo(new DecoderSpec.LinearSpec("attn.c_attn", true, true));
    assertThat(qkv.layout()).isEqualTo(QkvLayout.CONCATENATED);
    assertThat(attention.output().inputFirst()).isTrue();
    assertThat(mlp(spec("gpt2", "'n_inner': 100")).down().inputFirst()).isTrue();
    assertThat(mlp(spec("gpt2", "'n_inner': 100")).intermediateSize()).isEqualTo(100);
  }

  @Test
  void gpt2ScalesScoresAsItIsTold() {
    assertThat(scales(spec("gpt2", ""))).startsWith(0.25, 0.25);
    assertThat(scales(spec("gpt2", "'scale_attn_weights': false"))).startsWith(1.0, 1.0);
    String fading = "'scale_attn_by_inverse_layer_idx': true, 'reorder_and_upcast_attn': true";
    assertThat(scales(spec("gpt2", fading))).startsWith(0.25, 0.125, 0.25 / 3);
  }

  private static List<Double> scales(DecoderSpec spec) {
    return spec.blocks().stream().map(b -> b.attention().shape().scale()).toList();
  }

  // ---- gpt_neox

  @Test
  void gptNeoXHasOneResidualOrTwo() {
    DecoderSpec parallel = spec("gpt_neox", "");
    DecoderSpec sequential =
        spec("gpt_neox", "'use_parallel_residual': false, 'attention_bias': false");
    assertThat(block(parallel).arrangement()).isEqualTo(Arrangement.PARALLEL);
    assertThat(block(sequential).arrangement()).isEqualTo(Arrangement.SEQUENTIAL);
    assertThat(norms(parallel))
        .isEqualTo(norms(sequential))
        .containsExactly("input_layernorm", "post_attention_layernorm");
    assertThat(biases(parallel)).containsExactly(true, true, true);
    assertThat(biases(sequential)).containsExactly(false, false, true);
    assertThat(((AttentionSpec.FusedQkv) block(parallel).attention().qkv()).layout())
        .isEqualTo(QkvLayout.GROUPED);
    assertThat(shape(parallel).kvHeads()).isEqualTo(4);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'rotary_pct': 0.5, 'rotary_emb_base': 500 | 8 | 500",
        "'rope_theta': 7, 'partial_rotary_factor': 1.0 | 4 | 10000",
        "'rope_parameters': {'rope_theta': 7}, 'rotary_emb_base': 500, 'rotary_pct': 1.0 | 16 | 7",
        "'rope_parameters': {'partial_rotary_factor': 0.5}, 'rotary_pct': 1.0 | 8 | 10000"
      })
  void gptNeoXHasItsOwnNamesForTheRotaryEmbedding(String keys, int rotaryDim, double theta) {
    DecoderSpec spec = spec("gpt_neox", keys);
    assertThat(rotary(spec))
        .isEqualTo(new RotaryEmbedding(rotaryDim, theta, new RopeScaling.None()));
  }

  // ---- opt

  @Test
  void optNormsBeforeOrBehindItsParts() {
    DecoderSpec before = spec("opt", "'ffn_dim': 112");
    assertThat(block(before).arrangement()).isEqualTo(Arrangement.SEQUENTIAL);
    assertThat(before.norm()).isPresent();
    assertThat(before.embedding().projection()).isEmpty();
    assertThat(biases(before)).containsExactly(true, true, true);
    DecoderSpec behind =
        spec(
            "opt",
            "'ffn_dim': 112, 'do_layer_norm_before': false, 'word_embed_proj_dim': 32,"
                + " 'enable_bias': false");
    assertThat(block(behind).arrangement()).isEqualTo(Arrangement.NORM_OF_SUM);
    assertThat(block(behind).afterMlp()).contains(NormSpec.layer("final_layer_norm", 1e-5));
    assertThat(behind.norm()).isEmpty();
    assertThat(behind.embeddingSize()).isEqualTo(32);
    assertThat(biases(behind)).containsExactly(false, false, false);
    assertThat(spec("opt", "'ffn_dim': 112, '_remove_final_layer_norm': true").norm()).isEmpty();
  }

  // ---- falcon

  @Test
  void falconIsTheSevenBillionModelByDefault() {
    DecoderSpec spec = spec("falcon", "");
    assertThat(shape(spec).kvHeads()).isOne();
    assertThat(block(spec).arrangement()).isEqualTo(Arrangement.PARALLEL);
    assertThat(norms(spec)).containsExactly("input_layernorm");
    assertThat(biases(spec)).containsExactly(false, false, false);
    assertThat(mlp(spec).intermediateSize()).isEqualTo(256);
    assertThat(mlp(spec("falcon", "'ffn_hidden_size': 100")).intermediateSize()).isEqualTo(100);
    assertThat(spec("falcon", "'n_embed': 32").hiddenSize()).isEqualTo(32);
  }

  @Test
  void falconHasANewArchitectureWithTwoNormsOrOne() {
    String keys = "'new_decoder_architecture': true, 'num_kv_heads': 2, 'multi_query': true";
    assertThat(shape(spec("falcon", keys)).kvHeads()).isEqualTo(2);
    assertThat(norms(spec("falcon", keys))).containsExactly("ln_attn", "ln_mlp");
    DecoderSpec one = spec("falcon", keys + ", 'num_ln_in_parallel_attn': 1, 'bias': true");
    assertThat(norms(one)).containsExactly("input_layernorm");
    assertThat(block(one).arrangement()).isEqualTo(Arrangement.PARALLEL);
    assertThat(biases(one)).containsExactly(true, true, true);
  }

  @Test
  void falconIsSequentialWithoutParallelAttention() {
    DecoderSpec spec = spec("falcon", "'parallel_attn': false, 'multi_query': false");
    assertThat(block(spec).arrangement()).isEqualTo(Arrangement.SEQUENTIAL);
    assertThat(norms(spec)).containsExactly("input_layernorm", "post_attention_layernorm");
    assertThat(shape(spec).kvHeads()).isEqualTo(4);
  }

  @Test
  void falconsFirstConfigurationsAreRead() {
    String sizes = "\"n_head\": 4, \"n_layer\": 2, \"hidden_size\": 64, \"vocab_size\": 99";
    ModelConfig seven =
        ModelConfig.of(
            "{\"model_type\": \"RefinedWebModel\", \"multi_query\": true, \"parallel_attn\": true, "
                + sizes
                + "}",
            "here");
    DecoderSpec spec = ModelFamilies.of(seven).describe(seven);
    assertThat(shape(spec).kvHeads()).isOne();
    assertThat(spec.numHiddenLayers()).isEqualTo(2);
    ModelConfig plain = seven.without("multi_query").without("parallel_attn");
    assertThat(shape(ModelFamilies.of(plain).describe(plain)).kvHeads()).isEqualTo(4);
    assertThat(block(ModelFamilies.of(plain).describe(plain)).arrangement())
        .isEqualTo(Arrangement.SEQUENTIAL);
    ModelConfig forty =
        ModelConfig.of("{\"model_type\": \"RefinedWeb\", \"n_head_kv\": 2, " + sizes + "}", "here");
    DecoderSpec large = ModelFamilies.of(forty).describe(forty);
    assertThat(ModelFamilies.of(forty).modelType()).isEqualTo("falcon");
    assertThat(shape(large).kvHeads()).isEqualTo(2);
    assertThat(norms(large)).containsExactly("ln_attn", "ln_mlp");
  }

  // ---- stablelm

  @Test
  void stableLmTurnsAQuarterAndHasBiasesAndNormsOnRequest() {
    DecoderSpec spec = spec("stablelm", "");
    assertThat(spec.tieWordEmbeddings()).isFalse();
    assertThat(spec.maxPositionEmbeddings()).isEqualTo(4096);
    assertThat(rotary(spec).rotaryDim()).isEqualTo(4);
    assertThat(biases(spec)).containsExactly(false, false, false);
    assertThat(norms(spec)).containsExactly("input_layernorm", "post_attention_layernorm");
    DecoderSpec other =
        spec(
            "stablelm",
            "'use_qkv_bias': true, 'use_parallel_residual': true, 'qk_layernorm': true");
    assertThat(biases(other)).containsExactly(true, false, false);
    assertThat(norms(other)).containsExactly("input_layernorm");
    assertThat(block(other).arrangement()).isEqualTo(Arrangement.PARALLEL);
    assertThat(block(other).attention().norms().orElseThrow().q().kind())
        .isEqualTo(NormSpec.Kind.LAYER_PER_HEAD);
  }

  // ---- starcoder2

  @Test
  void starcoder2HasAWindowAndBiasesAsItIsTold() {
    assertThat(shape(spec("starcoder2", "")).window()).isEmpty();
    assertThat(shape(spec("starcoder2", "'sliding_window': null")).window()).isEmpty();
    assertThat(shape(spec("starcoder2", "'sliding_window': 8")).window())
        .isEqualTo(OptionalInt.of(8));
    assertThat(biases(spec("starcoder2", ""))).containsExactly(true, true, true);
    assertThat(biases(spec("starcoder2", "'use_bias': false")))
        .containsExactly(false, false, false);
    assertThat(block(spec("starcoder2", "'norm_epsilon': 0.01")).beforeMlp())
        .isEqualTo(Optional.of(NormSpec.layer("post_attention_layernorm", 0.01)));
  }

  // ---- all

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gpt2 | \"add_cross_attention\": true | add_cross_attention",
        "opt | \"ffn_dim\": 8, \"layer_norm_elementwise_affine\": false"
            + " | layer_norm_elementwise_affine",
        "falcon | \"alibi\": true | alibi",
        "falcon | \"new_decoder_architecture\": true, \"parallel_attn\": false | parallel_attn",
        "falcon | \"num_ln_in_parallel_attn\": 2 | num_ln_in_parallel_attn",
        "falcon | \"new_decoder_architecture\": true, \"num_ln_in_parallel_attn\": 3"
            + " | num_ln_in_parallel_attn",
        "RefinedWebModel | \"apply_residual_connection_post_layernorm\": true"
            + " | apply_residual_connection_post_layernorm"
      })
  void whatIsNotBuiltIsRefusedByName(String type, String keys, String key) {
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(() -> spec(type, keys))
        .withMessageContaining("config.json: " + key + ": expected");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "phi | \"hidden_act\": \"quick_gelu\" | hidden_act",
        "gpt2 | \"num_attention_heads\": 5 | num_attention_heads",
        "gpt_neox | \"rotary_pct\": 0.2 | partial_rotary_factor",
        "falcon | \"multi_query\": false, \"num_kv_heads\": 2 | num_kv_heads",
        "falcon | \"new_decoder_architecture\": true, \"num_kv_heads\": 3 | num_kv_heads",
        "opt | \"ffn_dim\": 8, \"word_embed_proj_dim\": 0 | word_embed_proj_dim"
      })
  void whatDoesNotFitIsRefusedByName(String type, String keys, String key) {
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> spec(type, keys))
        .withMessageContaining("config.json: " + key + ": expected");
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "opt", "falcon", "gpt_neox", "phi", "stablelm", "starcoder2"})
  void absurdSizesAreRefused(String type) {
    for (String key : List.of("vocab_size", "hidden_size", "max_position_embeddings")) {
      boolean learned = type.equals("gpt2") || type.equals("opt");
      if (key.equals("max_position_embeddings") && !learned) {
        continue;
      }
      ModelConfig config = ConfigTexts.config(type, "'ffn_dim': 8, '" + key + "': 2147483644");
      assertThatExceptionOfType(CheckpointFormatException.class)
          .as(key)
          .isThrownBy(() -> SizeLimits.check(config, ModelFamilies.of(config).describe(config)));
    }
  }
}
