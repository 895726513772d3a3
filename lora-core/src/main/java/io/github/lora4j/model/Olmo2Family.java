package io.github.lora4j.model;

import io.github.lora4j.model.AttentionSpec.QkNormSpec;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * OLMo 2: norms behind attention and MLP rather than before them, and norms of all queries and
 * keys.
 */
final class Olmo2Family implements ModelFamily {

  @Override
  public String modelType() {
    return "olmo2";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(2048);
    int headDim = read.headDim();
    RotaryEmbedding rotary =
        RopeParameters.wholeHeads(config, headDim, maxPositions, RopeParameters.Defaults.PLAIN);
    NormSpec norm =
        new NormSpec(
            "model.norm", NormSpec.Kind.RMS_WIDE, config.number("rms_norm_eps", 1e-5), false);
    QkNormSpec qkNorms =
        new QkNormSpec(norm.named("self_attn.q_norm"), norm.named("self_attn.k_norm"), false);
    boolean bias = config.flag("attention_bias", false);
    BlockSpec block =
        new BlockSpec(
            BlockSpec.Arrangement.SEQUENTIAL,
            Optional.empty(),
            Optional.of(norm.named("post_attention_layernorm")),
            Optional.empty(),
            Optional.of(norm.named("post_feedforward_layernorm")),
            AttentionSpec.llama(read.attention(headDim, rotary), bias, bias).withNorms(qkNorms),
            MlpSpec.llama(
                config.size("intermediate_size"), read.activation("hidden_act", "silu"), false),
            1);
    return read.llamaLike(maxPositions, false, read.blocks(layer -> block), norm);
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "Olmo2ForCausalLM";
  }

  @Override
  public OptionalInt defaultPadTokenId() {
    return OptionalInt.of(1);
  }
}
