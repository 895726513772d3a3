package io.github.lora4j.model;

import io.github.lora4j.model.AttentionSpec.FusedQkv;
import io.github.lora4j.model.DecoderSpec.EmbeddingSpec;
import io.github.lora4j.model.DecoderSpec.HeadSpec;
import io.github.lora4j.model.DecoderSpec.LinearSpec;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.QkvLayout;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.Optional;

/** GPT-NeoX-20B, Pythia and others. */
final class GptNeoXFamily implements ModelFamily {

  @Override
  public String modelType() {
    return "gpt_neox";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config.without("head_dim"));
    int maxPositions = read.maxPositions(2048);
    int headDim = read.headDim();
    boolean attentionBias = config.flag("attention_bias", true);
    AttentionSpec attention =
        new AttentionSpec(
            AttentionShape.of(
                read.heads(),
                read.heads(),
                headDim,
                Optional.of(rotary(config, headDim, maxPositions))),
            new FusedQkv(
                LinearSpec.of("attention.query_key_value", attentionBias), QkvLayout.GROUPED),
            LinearSpec.of("attention.dense", attentionBias),
            Optional.empty());
    MlpSpec mlp =
        new MlpSpec.Plain(
            LinearSpec.of("mlp.dense_h_to_4h", true),
            LinearSpec.of("mlp.dense_4h_to_h", true),
            config.size("intermediate_size"),
            read.activation("hidden_act", "gelu"));
    NormSpec norm =
        NormSpec.layer("gpt_neox.final_layer_norm", config.number("layer_norm_eps", 1e-5));
    NormSpec beforeAttention = norm.named("input_layernorm");
    NormSpec beforeMlp = norm.named("post_attention_layernorm");
    BlockSpec block =
        config.flag("use_parallel_residual", true)
            ? BlockSpec.parallel(beforeAttention, attention, Optional.of(beforeMlp), mlp)
            : BlockSpec.preNorm(beforeAttention, attention, beforeMlp, mlp);
    return new DecoderSpec(
        read.hiddenSize(),
        maxPositions,
        config.flag("tie_word_embeddings", false),
        EmbeddingSpec.of("gpt_neox.embed_in", config.size("vocab_size")),
        "gpt_neox.layers",
        read.blocks(layer -> block),
        Optional.of(norm),
        HeadSpec.of("lm_head"));
  }

  /** Outside of {@code rope_parameters} only this family's own names count. */
  private static RotaryEmbedding rotary(ModelConfig config, int headDim, int maxPositions) {
    return RopeParameters.read(
        config.without("rope_theta").without("partial_rotary_factor"),
        headDim,
        maxPositions,
        RopeParameters.Defaults.PLAIN
            .withTheta(config.number("rotary_emb_base", 10_000))
            .withPart(config.number("rotary_pct", 0.25)));
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("query_key_value");
  }

  @Override
  public String causalLmClass() {
    return "GPTNeoXForCausalLM";
  }

  /** The head's module was called so before transformers 5, and is still in its files. */
  @Override
  public String storedName(String parameterName) {
    return parameterName.equals("lm_head.weight") ? "embed_out.weight" : parameterName;
  }

  @Override
  public boolean ignores(String tensorName) {
    return tensorName.endsWith(".attention.bias")
        || tensorName.endsWith(".attention.masked_bias")
        || ModelFamily.super.ignores(tensorName);
  }
}
