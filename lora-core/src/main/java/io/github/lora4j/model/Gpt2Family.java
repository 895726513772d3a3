package io.github.lora4j.model;

import io.github.lora4j.model.AttentionSpec.FusedQkv;
import io.github.lora4j.model.DecoderSpec.EmbeddingSpec;
import io.github.lora4j.model.DecoderSpec.HeadSpec;
import io.github.lora4j.model.DecoderSpec.LinearSpec;
import io.github.lora4j.model.DecoderSpec.PositionSpec;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.QkvLayout;
import java.util.List;
import java.util.Optional;

/**
 * GPT-2 and its kin, such as DistilGPT-2: learned positions, weights stored with the input first.
 *
 * <p>Scores of attention are turned into probabilities in float32 in any case, whether {@code
 * reorder_and_upcast_attn} asks for it or not.
 */
final class Gpt2Family implements ModelFamily {

  @Override
  public String modelType() {
    return "gpt2";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read =
        new FamilyReader(
            config,
            firstSet(config, "hidden_size", "n_embd"),
            firstSet(config, "num_attention_heads", "n_head"));
    read.refuse(config.flag("add_cross_attention", false), "add_cross_attention", "false");
    String positionsKey = firstSet(config, "max_position_embeddings", "n_positions");
    int positions = config.has(positionsKey) ? config.size(positionsKey) : 1024;
    NormSpec norm = NormSpec.layer("transformer.ln_f", config.number("layer_norm_epsilon", 1e-5));
    MlpSpec mlp =
        new MlpSpec.Plain(
            conv("mlp.c_fc"),
            conv("mlp.c_proj"),
            read.sizeOrFourHidden("n_inner"),
            read.activation("activation_function", "gelu_new"));
    AttentionShape shape =
        AttentionShape.of(read.heads(), read.heads(), read.evenShare(), Optional.empty());
    double scale = config.flag("scale_attn_weights", true) ? shape.scale() : 1;
    boolean fading = config.flag("scale_attn_by_inverse_layer_idx", false);
    List<BlockSpec> blocks =
        read.blocks(
            firstSet(config, "num_hidden_layers", "n_layer"),
            layer ->
                BlockSpec.preNorm(
                    norm.named("ln_1"),
                    new AttentionSpec(
                        shape.withScale(fading ? scale / (layer + 1) : scale),
                        new FusedQkv(conv("attn.c_attn"), QkvLayout.CONCATENATED),
                        conv("attn.c_proj"),
                        Optional.empty()),
                    norm.named("ln_2"),
                    mlp));
    return new DecoderSpec(
        read.hiddenSize(),
        positions,
        config.flag("tie_word_embeddings", true),
        EmbeddingSpec.of("transformer.wte", config.size("vocab_size"))
            .withPositions(new PositionSpec("transformer.wpe", positions, 0, false)),
        "transformer.h",
        blocks,
        Optional.of(norm),
        HeadSpec.of("lm_head"));
  }

  private static LinearSpec conv(String name) {
    return new LinearSpec(name, true, true);
  }

  /** The names that all families have count before GPT-2's own, as in transformers. */
  private static String firstSet(ModelConfig config, String common, String own) {
    return config.has(common) ? common : own;
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("c_attn");
  }

  @Override
  public String causalLmClass() {
    return "GPT2LMHeadModel";
  }

  @Override
  public boolean ignores(String tensorName) {
    return tensorName.endsWith(".attn.bias") || tensorName.endsWith(".attn.masked_bias");
  }
}
