package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.model.DecoderSpec.LinearSpec;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.QkvLayout;
import io.github.lora4j.nn.RopeScaling;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Phi-3, Phi-3.5, Phi-4 and their mini models: fused projections, and frequencies for long and
 * short texts.
 */
final class Phi3Family implements ModelFamily {

  @Override
  public String modelType() {
    return "phi3";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(4096);
    int headDim = read.headDim();
    AttentionShape attention =
        read.attention(headDim, rotary(config, headDim, maxPositions))
            .withWindow(
                config.has("sliding_window")
                    ? OptionalInt.of(config.size("sliding_window"))
                    : OptionalInt.empty());
    NormSpec norm = NormSpec.rms("model.norm", config.number("rms_norm_eps", 1e-5));
    BlockSpec block =
        BlockSpec.preNorm(
            norm.named("input_layernorm"),
            new AttentionSpec(
                attention,
                new AttentionSpec.FusedQkv(
                    LinearSpec.of("self_attn.qkv_proj", false), QkvLayout.CONCATENATED),
                LinearSpec.of("self_attn.o_proj", false),
                Optional.empty()),
            norm.named("post_attention_layernorm"),
            new MlpSpec.JointGated(
                LinearSpec.of("mlp.gate_up_proj", false),
                LinearSpec.of("mlp.down_proj", false),
                config.size("intermediate_size"),
                read.activation("hidden_act", "silu")));
    return read.llamaLike(maxPositions, false, read.blocks(layer -> block), norm);
  }

  private static RotaryEmbedding rotary(ModelConfig config, int headDim, int maxPositions) {
    RotaryEmbedding rotary =
        RopeParameters.read(
            config, headDim, maxPositions, RopeParameters.Defaults.PLAIN.withOriginalLength(4096));
    if (rotary.scaling() instanceof RopeScaling.None
        || rotary.scaling() instanceof RopeScaling.LongRope) {
      return rotary;
    }
    throw new UnsupportedModelException(
        config.source()
            + ": rope_type: expected default or longrope in a phi3 model, found "
            + rotary.scaling());
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("qkv_proj");
  }

  @Override
  public String causalLmClass() {
    return "Phi3ForCausalLM";
  }

  @Override
  public OptionalInt defaultPadTokenId() {
    return OptionalInt.of(32_000);
  }
}
