package io.github.lora4j.model;

import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;

/**
 * Llama 1 to 3.x, and what shares its architecture under the same {@code model_type}: TinyLlama,
 * SmolLM and others.
 */
final class LlamaFamily implements ModelFamily {

  @Override
  public String modelType() {
    return "llama";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(2048);
    int headDim = read.headDim();
    RotaryEmbedding rotary =
        RopeParameters.wholeHeads(config, headDim, maxPositions, RopeParameters.Defaults.PLAIN);
    NormSpec norm = NormSpec.rms("model.norm", config.number("rms_norm_eps", 1e-6));
    boolean attentionBias = config.flag("attention_bias", false);
    BlockSpec block =
        BlockSpec.preNorm(
            norm.named("input_layernorm"),
            AttentionSpec.llama(read.attention(headDim, rotary), attentionBias, attentionBias),
            norm.named("post_attention_layernorm"),
            MlpSpec.llama(
                config.size("intermediate_size"),
                read.activation("hidden_act", "silu"),
                config.flag("mlp_bias", false)));
    return read.llamaLike(maxPositions, false, read.blocks(layer -> block), norm);
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "LlamaForCausalLM";
  }
}
