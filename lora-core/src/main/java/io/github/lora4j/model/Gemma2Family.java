package io.github.lora4j.model;

import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.IntFunction;

/**
 * Gemma 2: bounded scores, norms on both sides of attention and MLP, a window in every other layer.
 */
final class Gemma2Family implements ModelFamily {

  @Override
  public String modelType() {
    return "gemma2";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(8192);
    int headDim = read.headDim(256);
    RotaryEmbedding rotary =
        RopeParameters.wholeHeads(config, headDim, maxPositions, RopeParameters.Defaults.PLAIN);
    AttentionShape attention =
        read.attention(read.kvHeads(4), headDim, rotary)
            .withScale(GemmaParts.scale(config))
            .withSoftcap(
                GemmaParts.softcap(config, "attn_logit_softcapping", OptionalDouble.of(50)));
    IntFunction<OptionalInt> windows =
        LayerTypes.read(config, layer -> layer % 2 == 0)
            .windows(config, LayerTypes.window(config, 4096));
    NormSpec norm = GemmaParts.norm(config);
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
                    AttentionSpec.llama(attention.withWindow(windows.apply(layer)), bias, bias),
                    mlp)),
        GemmaParts.softcap(config, "final_logit_softcapping", OptionalDouble.of(30)));
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "Gemma2ForCausalLM";
  }

  @Override
  public OptionalInt defaultPadTokenId() {
    return OptionalInt.of(0);
  }
}
