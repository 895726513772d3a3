package io.github.lora4j.model;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** What the generations of Gemma have in common. */
final class GemmaParts {

  static final String ACTIVATION = "gelu_pytorch_tanh";

  private GemmaParts() {}

  static NormSpec norm(ModelConfig config) {
    return new NormSpec(
        "model.norm", NormSpec.Kind.RMS_ONE_PLUS, config.number("rms_norm_eps", 1e-6), false);
  }

  /** What scores of attention are multiplied by. */
  static double scale(ModelConfig config) {
    String key = "query_pre_attn_scalar";
    double scalar = config.number(key, 256);
    if (scalar <= 0) {
      throw config.wrong(key, "more than 0");
    }
    return 1 / Math.sqrt(scalar);
  }

  /** A bound of scores; null turns it off. */
  static OptionalDouble softcap(ModelConfig config, String key, OptionalDouble byDefault) {
    if (!config.has(key)) {
      return config.isNull(key) ? OptionalDouble.empty() : byDefault;
    }
    double cap = config.number(key);
    if (cap <= 0) {
      throw config.wrong(key, "null or more than 0");
    }
    return OptionalDouble.of(cap);
  }

  /** The MLP from Gemma 2 on, where {@code hidden_act} counts no more. */
  static MlpSpec mlp(ModelConfig config, FamilyReader read) {
    return MlpSpec.llama(
        config.size("intermediate_size"), read.activation("hidden_activation", ACTIVATION), false);
  }

  /** The block from Gemma 2 on, with norms on both sides of its parts. */
  static BlockSpec block(NormSpec norm, AttentionSpec attention, MlpSpec mlp) {
    return new BlockSpec(
        BlockSpec.Arrangement.SEQUENTIAL,
        Optional.of(norm.named("input_layernorm")),
        Optional.of(norm.named("post_attention_layernorm")),
        Optional.of(norm.named("pre_feedforward_layernorm")),
        Optional.of(norm.named("post_feedforward_layernorm")),
        attention,
        mlp,
        1);
  }

  /** The decoder, its embeddings multiplied by the root of their size. */
  static DecoderSpec decoder(
      ModelConfig config,
      FamilyReader read,
      int maxPositions,
      List<BlockSpec> blocks,
      OptionalDouble softcap) {
    return read.llamaLike(
        maxPositions,
        true,
        Math.sqrt(read.hiddenSize()),
        blocks,
        norm(config),
        new DecoderSpec.HeadSpec("lm_head", false, 1, softcap));
  }
}
