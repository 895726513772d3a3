package io.github.lora4j.model;

import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;

/** SmolLM3: every fourth layer knows no positions (NoPE). */
final class SmolLM3Family implements ModelFamily {

  @Override
  public String modelType() {
    return "smollm3";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(32_768);
    int headDim = read.headDim();
    RotaryEmbedding rotary =
        RopeParameters.wholeHeads(
            config, headDim, maxPositions, RopeParameters.Defaults.PLAIN.withTheta(2_000_000));
    AttentionShape attention = read.attention(read.kvHeads(4), headDim, rotary);
    IntPredicate turned = turned(config);
    IntFunction<OptionalInt> windows = windows(config, turned);
    NormSpec norm = NormSpec.rms("model.norm", config.number("rms_norm_eps", 1e-6));
    boolean bias = config.flag("attention_bias", false);
    MlpSpec mlp =
        MlpSpec.llama(
            config.size("intermediate_size"),
            read.activation("hidden_act", "silu"),
            config.flag("mlp_bias", false));
    return read.llamaLike(
        maxPositions,
        true,
        read.blocks(
            layer ->
                BlockSpec.preNorm(
                    norm.named("input_layernorm"),
                    AttentionSpec.llama(
                        attention
                            .withRotary(turned.test(layer) ? Optional.of(rotary) : Optional.empty())
                            .withWindow(windows.apply(layer)),
                        bias,
                        bias),
                    norm.named("post_attention_layernorm"),
                    mlp)),
        norm);
  }

  /** Despite its name, {@code no_rope_layers} has 1 at layers with a rotary embedding, else 0. */
  private static IntPredicate turned(ModelConfig config) {
    String key = "no_rope_layers";
    if (config.has(key)) {
      List<Integer> turned = config.integers(key);
      if (turned.size() < config.size("num_hidden_layers")) {
        throw config.wrong(key, "0 or 1 for each of the layers");
      }
      return layer -> turned.get(layer) != 0;
    }
    String intervalKey = "no_rope_layer_interval";
    int interval = config.has(intervalKey) ? config.size(intervalKey) : 4;
    return layer -> (layer + 1) % interval != 0;
  }

  private static IntFunction<OptionalInt> windows(ModelConfig config, IntPredicate turned) {
    OptionalInt window =
        config.has("sliding_window")
            ? OptionalInt.of(config.size("sliding_window"))
            : OptionalInt.empty();
    boolean used = window.isPresent() && config.flag("use_sliding_window", false);
    return LayerTypes.read(config, layer -> used && !turned.test(layer)).windows(config, window);
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "SmolLM3ForCausalLM";
  }

  @Override
  public OptionalInt defaultPadTokenId() {
    return OptionalInt.of(128_004);
  }
}
