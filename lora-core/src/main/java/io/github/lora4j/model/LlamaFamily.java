package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.nn.RopeScaling;
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
    NormSpec norm = NormSpec.rms("model.norm", config.number("rms_norm_eps", 1e-6));
    boolean attentionBias = config.flag("attention_bias", false);
    BlockSpec block =
        BlockSpec.preNorm(
            norm.named("input_layernorm"),
            AttentionSpec.llama(
                read.attention(headDim, rotary(config, headDim, maxPositions)),
                attentionBias,
                attentionBias),
            norm.named("post_attention_layernorm"),
            MlpSpec.llama(
                config.size("intermediate_size"),
                read.activation("hidden_act", "silu"),
                config.flag("mlp_bias", false)));
    return read.llamaLike(maxPositions, false, read.blocks(layer -> block), norm);
  }

  /**
   * Llama rotates whole heads: without scaling, transformers overlooks {@code
   * partial_rotary_factor}; with scaling, its code fails on one below 1.
   */
  private static RotaryEmbedding rotary(ModelConfig config, int headDim, int maxPositions) {
    RotaryEmbedding read = RopeParameters.read(config, headDim, maxPositions);
    boolean scaled = !(read.scaling() instanceof RopeScaling.None);
    if (scaled && read.rotaryDim() != headDim) {
      throw new UnsupportedModelException(
          config.source()
              + ": partial_rotary_factor: expected 1 beside a scaled rotary embedding, found one"
              + " that rotates "
              + read.rotaryDim()
              + " of "
              + headDim
              + " features; Llama rotates whole heads.");
    }
    return new RotaryEmbedding(headDim, read.theta(), read.scaling());
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
