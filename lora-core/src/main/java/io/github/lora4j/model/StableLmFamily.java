package io.github.lora4j.model;

import io.github.lora4j.model.AttentionSpec.QkNormSpec;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.Optional;

/** StableLM 3B and StableLM 2, whose 12B has parallel blocks and a norm for each head. */
final class StableLmFamily implements ModelFamily {

  @Override
  public String modelType() {
    return "stablelm";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config.without("head_dim"));
    int maxPositions = read.maxPositions(4096);
    int headDim = read.headDim();
    RotaryEmbedding rotary =
        RopeParameters.read(
            config, headDim, maxPositions, RopeParameters.Defaults.PLAIN.withPart(0.25));
    double eps = config.number("layer_norm_eps", 1e-5);
    AttentionSpec attention =
        AttentionSpec.llama(
            read.attention(read.kvHeads(32), headDim, rotary),
            config.flag("use_qkv_bias", false),
            false);
    if (config.flag("qk_layernorm", false)) {
      NormSpec ofHeads =
          new NormSpec("self_attn.q_layernorm", NormSpec.Kind.LAYER_PER_HEAD, eps, false);
      attention =
          attention.withNorms(
              new QkNormSpec(ofHeads, ofHeads.named("self_attn.k_layernorm"), true));
    }
    MlpSpec mlp =
        MlpSpec.llama(
            config.size("intermediate_size"), read.activation("hidden_act", "silu"), false);
    NormSpec norm = NormSpec.layer("model.norm", eps);
    NormSpec before = norm.named("input_layernorm");
    BlockSpec block =
        config.flag("use_parallel_residual", false)
            ? BlockSpec.parallel(before, attention, Optional.empty(), mlp)
            : BlockSpec.preNorm(before, attention, norm.named("post_attention_layernorm"), mlp);
    return read.llamaLike(maxPositions, false, read.blocks(layer -> block), norm);
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "StableLmForCausalLM";
  }
}
