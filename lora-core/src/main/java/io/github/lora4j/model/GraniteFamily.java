package io.github.lora4j.model;

import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.OptionalDouble;

/** The dense models of Granite 3: Llama with multipliers. */
final class GraniteFamily implements ModelFamily {

  @Override
  public String modelType() {
    return "granite";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(2048);
    int headDim = read.headDim();
    RotaryEmbedding rotary =
        RopeParameters.wholeHeads(config, headDim, maxPositions, RopeParameters.Defaults.PLAIN);
    AttentionShape attention =
        read.attention(headDim, rotary).withScale(multiplier(config, "attention_multiplier"));
    NormSpec norm = NormSpec.rms("model.norm", config.number("rms_norm_eps", 1e-6));
    boolean bias = config.flag("attention_bias", false);
    BlockSpec block =
        BlockSpec.preNorm(
                norm.named("input_layernorm"),
                AttentionSpec.llama(attention, bias, bias),
                norm.named("post_attention_layernorm"),
                MlpSpec.llama(
                    config.size("intermediate_size"),
                    read.activation("hidden_act", "silu"),
                    config.flag("mlp_bias", false)))
            .withResidualScale(multiplier(config, "residual_multiplier"));
    double scoreScale = 1 / multiplier(config, "logits_scaling");
    return read.llamaLike(
        maxPositions,
        false,
        multiplier(config, "embedding_multiplier"),
        read.blocks(layer -> block),
        norm,
        new DecoderSpec.HeadSpec("lm_head", false, scoreScale, OptionalDouble.empty()));
  }

  private static double multiplier(ModelConfig config, String key) {
    double value = config.number(key, 1);
    if (value == 0) {
      throw config.wrong(key, "another number than 0");
    }
    return value;
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "GraniteForCausalLM";
  }
}
