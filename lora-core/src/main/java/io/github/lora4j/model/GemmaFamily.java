package io.github.lora4j.model;

import io.github.lora4j.nn.Activation;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * Gemma 1: embeddings scaled by the root of their size, norms around one, heads of a size of their
 * own.
 */
final class GemmaFamily implements ModelFamily {

  @Override
  public String modelType() {
    return "gemma";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(8192);
    int headDim = read.headDim(256);
    RotaryEmbedding rotary =
        RopeParameters.wholeHeads(config, headDim, maxPositions, RopeParameters.Defaults.PLAIN);
    AttentionShape attention = read.attention(read.kvHeads(16), headDim, rotary);
    NormSpec norm = GemmaParts.norm(config);
    boolean bias = config.flag("attention_bias", false);
    BlockSpec block =
        BlockSpec.preNorm(
            norm.named("input_layernorm"),
            AttentionSpec.llama(attention, bias, bias),
            norm.named("post_attention_layernorm"),
            MlpSpec.llama(config.size("intermediate_size"), activation(read), false));
    return GemmaParts.decoder(
        config, read, maxPositions, read.blocks(layer -> block), OptionalDouble.empty());
  }

  /** The first releases say gelu and mean its approximation by tanh, as transformers knows. */
  private static Activation activation(FamilyReader read) {
    Activation activation = read.activation("hidden_act", GemmaParts.ACTIVATION);
    return activation == Activation.GELU ? Activation.GELU_TANH : activation;
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "GemmaForCausalLM";
  }

  @Override
  public OptionalInt defaultPadTokenId() {
    return OptionalInt.of(0);
  }
}
