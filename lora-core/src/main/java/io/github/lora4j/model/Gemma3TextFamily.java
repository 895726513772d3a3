package io.github.lora4j.model;

import io.github.lora4j.model.AttentionSpec.QkNormSpec;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.IntFunction;

/**
 * The text models of Gemma 3: norms of queries and keys, and rotary embeddings of their own for
 * layers with and without a window.
 */
final class Gemma3TextFamily implements ModelFamily {

  @Override
  public String modelType() {
    return "gemma3_text";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(131_072);
    int headDim = read.headDim(256);
    RotaryEmbedding global =
        RopeParameters.ofLayerType(
            config, LayerTypes.FULL, "rope_theta", 1_000_000, headDim, maxPositions);
    RotaryEmbedding local =
        RopeParameters.ofLayerType(
            config, LayerTypes.SLIDING, "rope_local_base_freq", 10_000, headDim, maxPositions);
    // transformers overlooks attn_logit_softcapping here; Gemma 3 has norms in its place.
    AttentionShape attention =
        read.attention(read.kvHeads(4), headDim, global).withScale(GemmaParts.scale(config));
    LayerTypes types = types(config);
    IntFunction<OptionalInt> windows = types.windows(config, LayerTypes.window(config, 4096));
    NormSpec norm = GemmaParts.norm(config);
    QkNormSpec qkNorms =
        new QkNormSpec(norm.named("self_attn.q_norm"), norm.named("self_attn.k_norm"), true);
    boolean bias = config.flag("attention_bias", false);
    MlpSpec mlp = GemmaParts.mlp(config, read);
    return GemmaParts.decoder(
        config,
        read,
        maxPositions,
        read.blocks(
            layer ->
                GemmaParts.block(
                    norm,
                    AttentionSpec.llama(
                            attention
                                .withRotary(Optional.of(types.isSliding(layer) ? local : global))
                                .withWindow(windows.apply(layer)),
                            bias,
                            bias)
                        .withNorms(qkNorms),
                    mlp)),
        GemmaParts.softcap(config, "final_logit_softcapping", OptionalDouble.empty()));
  }

  /** Without a list of types, each layer but every sixth has a window. */
  private static LayerTypes types(ModelConfig config) {
    String key = "sliding_window_pattern";
    int pattern = config.has(key) ? config.size(key) : 6;
    return LayerTypes.read(config, layer -> (layer + 1) % pattern != 0);
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "Gemma3ForCausalLM";
  }

  @Override
  public String sequenceClassifierClass() {
    return "Gemma3TextForSequenceClassification";
  }

  @Override
  public OptionalInt defaultPadTokenId() {
    return OptionalInt.of(0);
  }
}
