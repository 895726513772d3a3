package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.model.AttentionSpec.FusedQkv;
import io.github.lora4j.model.DecoderSpec.EmbeddingSpec;
import io.github.lora4j.model.DecoderSpec.HeadSpec;
import io.github.lora4j.model.DecoderSpec.LinearSpec;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.QkvLayout;
import java.util.List;
import java.util.Optional;

/**
 * Falcon: the 7B with one key-value head for all, the new decoder architecture of the 40B and 11B
 * with a few, and the plain one; under the names of its first configurations too, {@code
 * RefinedWebModel} (7B) and {@code RefinedWeb} (40B).
 */
final class FalconFamily implements ModelFamily {

  private static final String FIRST_7B = "RefinedWebModel";
  private static final String FIRST_40B = "RefinedWeb";

  @Override
  public String modelType() {
    return "falcon";
  }

  @Override
  public List<String> olderModelTypes() {
    return List.of(FIRST_7B, FIRST_40B);
  }

  @Override
  public DecoderSpec describe(ModelConfig given) {
    ModelConfig config = given.without("head_dim");
    FamilyReader read =
        new FamilyReader(
            config,
            config.has("n_embed") ? "n_embed" : "hidden_size",
            firstSet(config, "num_attention_heads", "n_head"));
    if (config.flag("alibi", false)) {
      throw new UnsupportedModelException(
          config.source()
              + ": alibi: expected false; Falcon models with ALiBi instead of rotary embeddings"
              + " (falcon-rw) aren't supported.");
    }
    read.refuse(
        config.flag("apply_residual_connection_post_layernorm", false),
        "apply_residual_connection_post_layernorm",
        "false");
    int maxPositions = read.maxPositions(2048);
    NormSpec norm = NormSpec.layer("transformer.ln_f", config.number("layer_norm_epsilon", 1e-5));
    BlockSpec block = block(config, read, norm, maxPositions);
    return new DecoderSpec(
        read.hiddenSize(),
        maxPositions,
        config.flag("tie_word_embeddings", true),
        EmbeddingSpec.of("transformer.word_embeddings", config.size("vocab_size")),
        "transformer.h",
        read.blocks(firstSet(config, "num_hidden_layers", "n_layer"), layer -> block),
        Optional.of(norm),
        HeadSpec.of("lm_head"));
  }

  private static BlockSpec block(
      ModelConfig config, FamilyReader read, NormSpec norm, int maxPositions) {
    boolean first = config.modelType().equals(FIRST_7B); // whose code had other defaults
    boolean isNew = config.flag("new_decoder_architecture", config.modelType().equals(FIRST_40B));
    boolean parallel = config.flag("parallel_attn", !first);
    boolean bias = config.flag("bias", false);
    int norms = config.integer("num_ln_in_parallel_attn").orElse(isNew ? 2 : 1);
    read.refuse(isNew && !parallel, "parallel_attn", "true beside new_decoder_architecture");
    read.refuse(
        norms != 1 && !(isNew && norms == 2),
        "num_ln_in_parallel_attn",
        isNew ? "1 or 2" : "1 without new_decoder_architecture");
    int headDim = read.headDim();
    AttentionSpec attention =
        new AttentionSpec(
            AttentionShape.of(
                read.heads(),
                kvHeads(config, read, isNew, config.flag("multi_query", !first)),
                headDim,
                Optional.of(
                    RopeParameters.wholeHeads(
                        config, headDim, maxPositions, RopeParameters.Defaults.PLAIN))),
            new FusedQkv(LinearSpec.of("self_attention.query_key_value", bias), QkvLayout.GROUPED),
            LinearSpec.of("self_attention.dense", bias),
            Optional.empty());
    MlpSpec mlp =
        new MlpSpec.Plain(
            LinearSpec.of("mlp.dense_h_to_4h", bias),
            LinearSpec.of("mlp.dense_4h_to_h", bias),
            read.sizeOrFourHidden("ffn_hidden_size"),
            read.activation("activation", "gelu"));
    if (!parallel) {
      return BlockSpec.preNorm(
          norm.named("input_layernorm"), attention, norm.named("post_attention_layernorm"), mlp);
    }
    return norms == 2
        ? BlockSpec.parallel(
            norm.named("ln_attn"), attention, Optional.of(norm.named("ln_mlp")), mlp)
        : BlockSpec.parallel(norm.named("input_layernorm"), attention, Optional.empty(), mlp);
  }

  private static int kvHeads(
      ModelConfig config, FamilyReader read, boolean isNew, boolean multiQuery) {
    if (!isNew && multiQuery) {
      return 1;
    }
    String key = firstSet(config, "num_kv_heads", "n_head_kv");
    int kvHeads = config.integer(key).orElse(read.heads());
    if (kvHeads < 1 || read.heads() % kvHeads != 0 || !isNew && kvHeads != read.heads()) {
      throw config.wrong(
          key,
          isNew
              ? "a divisor of num_attention_heads " + read.heads()
              : read.heads() + ", as num_attention_heads, without multi_query");
    }
    return kvHeads;
  }

  private static String firstSet(ModelConfig config, String name, String firstName) {
    return config.has(name) || !config.has(firstName) ? name : firstName;
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("query_key_value");
  }

  @Override
  public String causalLmClass() {
    return "FalconForCausalLM";
  }
}
