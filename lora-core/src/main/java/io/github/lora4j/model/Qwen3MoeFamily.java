package io.github.lora4j.model;

import io.github.lora4j.model.AttentionSpec.QkNormSpec;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.OptionalInt;

/** Qwen3-MoE: Qwen3 with mixtures of experts in place of all or some MLPs. */
final class Qwen3MoeFamily implements ModelFamily {

  private static final MlpSpec.StoredExpert STORED =
      new MlpSpec.StoredExpert("gate_proj", "up_proj", "down_proj");

  @Override
  public String modelType() {
    return "qwen3_moe";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    MixtureReader mixture = new MixtureReader(config, read);
    int maxPositions = read.maxPositions(32_768);
    int headDim = read.headDim();
    RotaryEmbedding rotary =
        RopeParameters.wholeHeads(config, headDim, maxPositions, RopeParameters.Defaults.PLAIN);
    OptionalInt window =
        config.flag("use_sliding_window", false)
            ? LayerTypes.window(config, 4096)
            : OptionalInt.empty();
    AttentionShape attention =
        read.attention(read.kvHeads(4), headDim, rotary)
            .withWindow(mixture.window(window, maxPositions));
    NormSpec norm = NormSpec.rms("model.norm", config.number("rms_norm_eps", 1e-6));
    boolean bias = config.flag("attention_bias", false);
    AttentionSpec normed =
        AttentionSpec.llama(attention, bias, bias)
            .withNorms(
                new QkNormSpec(
                    norm.named("self_attn.q_norm"), norm.named("self_attn.k_norm"), true));
    int experts = mixture.count(128);
    int step = config.has("decoder_sparse_step") ? config.size("decoder_sparse_step") : 1;
    List<Integer> dense = config.integers("mlp_only_layers");
    return read.llamaLike(
        maxPositions,
        false,
        read.blocks(
            layer ->
                BlockSpec.preNorm(
                    norm.named("input_layernorm"),
                    normed,
                    norm.named("post_attention_layernorm"),
                    experts > 0 && !dense.contains(layer) && (layer + 1) % step == 0
                        ? experts(config, mixture, experts)
                        : MlpSpec.llama(
                            config.size("intermediate_size"),
                            read.activation("hidden_act", "silu"),
                            false))),
        norm);
  }

  private static MlpSpec experts(ModelConfig config, MixtureReader mixture, int count) {
    String key = "moe_intermediate_size";
    return mixture.experts(
        count,
        8,
        config.flag("norm_topk_prob", false),
        config.has(key) ? config.size(key) : 768,
        STORED);
  }

  /** None: PEFT names none for this family. */
  @Override
  public List<String> defaultTargetModules() {
    return List.of();
  }

  @Override
  public String causalLmClass() {
    return "Qwen3MoeForCausalLM";
  }
}
