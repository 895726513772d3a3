package io.github.lora4j.model;

import io.github.lora4j.model.DecoderSpec.LinearSpec;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.OptionalInt;

/** StarCoder2: layer norms, biases, a plain MLP, a sliding window. */
final class Starcoder2Family implements ModelFamily {

  @Override
  public String modelType() {
    return "starcoder2";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(4096);
    int headDim = read.headDim();
    RotaryEmbedding rotary =
        RopeParameters.wholeHeads(config, headDim, maxPositions, RopeParameters.Defaults.PLAIN);
    boolean bias = config.flag("use_bias", true);
    String window = "sliding_window";
    AttentionShape shape =
        read.attention(read.kvHeads(2), headDim, rotary)
            .withWindow(
                config.has(window) ? OptionalInt.of(config.size(window)) : OptionalInt.empty());
    NormSpec norm = NormSpec.layer("model.norm", config.number("norm_epsilon", 1e-5));
    BlockSpec block =
        BlockSpec.preNorm(
            norm.named("input_layernorm"),
            AttentionSpec.llama(shape, bias, bias),
            norm.named("post_attention_layernorm"),
            new MlpSpec.Plain(
                LinearSpec.of("mlp.c_fc", bias),
                LinearSpec.of("mlp.c_proj", bias),
                config.size("intermediate_size"),
                read.activation("hidden_act", "gelu_pytorch_tanh")));
    return read.llamaLike(maxPositions, true, read.blocks(layer -> block), norm);
  }

  /** PEFT has none for this family. */
  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "Starcoder2ForCausalLM";
  }
}
