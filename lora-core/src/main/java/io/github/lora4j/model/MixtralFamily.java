package io.github.lora4j.model;

import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.OptionalInt;

/** Mixtral: Mistral with a mixture of experts in place of each MLP. */
final class MixtralFamily implements ModelFamily {

  private static final MlpSpec.StoredExpert STORED = new MlpSpec.StoredExpert("w1", "w3", "w2");

  @Override
  public String modelType() {
    return "mixtral";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    MixtureReader mixture = new MixtureReader(config, read);
    int maxPositions = read.maxPositions(131_072);
    int headDim = read.headDim();
    RotaryEmbedding rotary =
        RopeParameters.wholeHeads(
            config, headDim, maxPositions, RopeParameters.Defaults.PLAIN.withTheta(1e6));
    OptionalInt window =
        config.has("sliding_window")
            ? OptionalInt.of(config.size("sliding_window"))
            : OptionalInt.empty();
    AttentionShape attention =
        read.attention(read.kvHeads(8), headDim, rotary)
            .withWindow(mixture.window(window, maxPositions));
    NormSpec norm = NormSpec.rms("model.norm", config.number("rms_norm_eps", 1e-5));
    BlockSpec block =
        BlockSpec.preNorm(
            norm.named("input_layernorm"),
            AttentionSpec.llama(attention, false, false),
            norm.named("post_attention_layernorm"),
            mixture.experts(mixture.count(8), 2, true, config.size("intermediate_size"), STORED));
    return read.llamaLike(maxPositions, false, read.blocks(layer -> block), norm);
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "MixtralForCausalLM";
  }

  /** Files keep the name that the module had in transformers 4. */
  @Override
  public String storedName(String parameterName) {
    return parameterName.replace(".mlp.", ".block_sparse_moe.");
  }
}
