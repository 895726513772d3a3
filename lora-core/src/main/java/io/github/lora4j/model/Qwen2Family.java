package io.github.lora4j.model;

import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntFunction;

/**
 * Qwen1.5, 2 and 2.5, and what is built like them: biases at the input projections of attention.
 */
final class Qwen2Family implements ModelFamily {

  @Override
  public String modelType() {
    return "qwen2";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(32_768);
    int headDim = read.headDim();
    RotaryEmbedding rotary =
        RopeParameters.wholeHeads(config, headDim, maxPositions, RopeParameters.Defaults.PLAIN);
    AttentionShape attention = read.attention(read.kvHeads(32), headDim, rotary);
    IntFunction<OptionalInt> windows = LayerTypes.qwenWindows(config);
    NormSpec norm = NormSpec.rms("model.norm", config.number("rms_norm_eps", 1e-6));
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
                    AttentionSpec.llama(attention.withWindow(windows.apply(layer)), true, false),
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
    return "Qwen2ForCausalLM";
  }
}
