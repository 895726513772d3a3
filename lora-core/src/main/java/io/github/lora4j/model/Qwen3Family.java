package io.github.lora4j.model;

import io.github.lora4j.model.AttentionSpec.QkNormSpec;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntFunction;

/** Qwen3: norms of queries and keys, head by head. */
final class Qwen3Family implements ModelFamily {

  @Override
  public String modelType() {
    return "qwen3";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(32_768);
    int headDim = read.headDim(128);
    RotaryEmbedding rotary =
        RopeParameters.wholeHeads(config, headDim, maxPositions, RopeParameters.Defaults.PLAIN);
    AttentionShape attention = read.attention(read.kvHeads(32), headDim, rotary);
    IntFunction<OptionalInt> windows = LayerTypes.qwenWindows(config);
    NormSpec norm = NormSpec.rms("model.norm", config.number("rms_norm_eps", 1e-6));
    QkNormSpec qkNorms =
        new QkNormSpec(norm.named("self_attn.q_norm"), norm.named("self_attn.k_norm"), true);
    boolean bias = config.flag("attention_bias", false);
    MlpSpec mlp =
        MlpSpec.llama(
            config.size("intermediate_size"), read.activation("hidden_act", "silu"), false);
    return read.llamaLike(
        maxPositions,
        false,
        read.blocks(
            layer ->
                BlockSpec.preNorm(
                    norm.named("input_layernorm"),
                    AttentionSpec.llama(attention.withWindow(windows.apply(layer)), bias, bias)
                        .withNorms(qkNorms),
                    norm.named("post_attention_layernorm"),
                    mlp)),
        norm);
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "Qwen3ForCausalLM";
  }
}
