package io.github.lora4j.model;

import io.github.lora4j.model.AttentionSpec.QkNormSpec;
import io.github.lora4j.model.DecoderSpec.HeadSpec;
import io.github.lora4j.model.DecoderSpec.LinearSpec;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** Phi-1, Phi-1.5 and Phi-2: parallel blocks, a part of each head turned, biases everywhere. */
final class PhiFamily implements ModelFamily {

  @Override
  public String modelType() {
    return "phi";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(2048);
    int headDim = read.headDim();
    RotaryEmbedding rotary =
        RopeParameters.read(
            config, headDim, maxPositions, RopeParameters.Defaults.PLAIN.withPart(0.5));
    NormSpec norm = NormSpec.layer("model.final_layernorm", config.number("layer_norm_eps", 1e-5));
    AttentionSpec attention =
        AttentionSpec.llama(read.attention(headDim, rotary), true, true)
            .withOutput(LinearSpec.of("self_attn.dense", true));
    if (config.flag("qk_layernorm", false)) {
      attention =
          attention.withNorms(
              new QkNormSpec(
                  norm.named("self_attn.q_layernorm"), norm.named("self_attn.k_layernorm"), true));
    }
    BlockSpec block =
        BlockSpec.parallel(
            norm.named("input_layernorm"),
            attention,
            Optional.empty(),
            new MlpSpec.Plain(
                LinearSpec.of("mlp.fc1", true),
                LinearSpec.of("mlp.fc2", true),
                config.size("intermediate_size"),
                read.activation("hidden_act", "gelu_new")));
    return read.llamaLike(
        maxPositions,
        false,
        1,
        read.blocks(layer -> block),
        norm,
        new HeadSpec("lm_head", true, 1, OptionalDouble.empty()));
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj", "fc1", "fc2");
  }

  @Override
  public String causalLmClass() {
    return "PhiForCausalLM";
  }
}
