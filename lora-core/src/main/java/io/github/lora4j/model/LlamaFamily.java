package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.nn.Activation;
import io.github.lora4j.nn.RopeScaling;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;

/**
 * Llama 1 to 3.x, and what shares its architecture under the same {@code model_type}: TinyLlama,
 * SmolLM and others.
 */
final class LlamaFamily implements ModelFamily {

  @Override
  public String modelType() {
    return "llama";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    int hiddenSize = config.size("hidden_size");
    int heads = config.size("num_attention_heads");
    int kvHeads = config.has("num_key_value_heads") ? config.size("num_key_value_heads") : heads;
    int headDim = config.has("head_dim") ? config.size("head_dim") : hiddenSize / heads;
    if (heads % kvHeads != 0) {
      throw config.wrong("num_key_value_heads", "a divisor of num_attention_heads " + heads);
    }
    if (!config.has("head_dim") && hiddenSize % heads != 0) {
      throw config.wrong("num_attention_heads", "a divisor of hidden_size " + hiddenSize);
    }
    if (headDim % 2 != 0) {
      throw config.wrong(
          config.has("head_dim") ? "head_dim" : "num_attention_heads", "heads of an even size");
    }
    boolean attentionBias = config.flag("attention_bias", false);
    Activation activation =
        Activation.byName(config.string("hidden_act", "silu"))
            .orElseThrow(
                () ->
                    config.wrong("hidden_act", "silu, gelu, gelu_new, gelu_pytorch_tanh or relu"));
    int maxPositions =
        config.has("max_position_embeddings") ? config.size("max_position_embeddings") : 2048;
    return new DecoderSpec(
        config.size("vocab_size"),
        hiddenSize,
        config.size("num_hidden_layers"),
        maxPositions,
        config.flag("tie_word_embeddings", false),
        config.number("rms_norm_eps", 1e-6),
        rotary(config, headDim, maxPositions),
        new DecoderSpec.AttentionSpec(
            heads, kvHeads, headDim, attentionBias, attentionBias, 1 / Math.sqrt(headDim)),
        new DecoderSpec.MlpSpec(
            config.size("intermediate_size"), activation, config.flag("mlp_bias", false)));
  }

  /**
   * Llama rotates whole heads: without scaling, transformers overlooks {@code
   * partial_rotary_factor}; with scaling, its code fails on one below 1.
   */
  private static RotaryEmbedding rotary(ModelConfig config, int headDim, int maxPositions) {
    RotaryEmbedding read = RopeParameters.read(config, headDim, maxPositions);
    boolean scaled = !(read.scaling() instanceof RopeScaling.None);
    if (scaled && read.rotaryDim() != headDim) {
      throw new UnsupportedModelException(
          config.source()
              + ": partial_rotary_factor: expected 1 beside a scaled rotary embedding, found one"
              + " that rotates "
              + read.rotaryDim()
              + " of "
              + headDim
              + " features; Llama rotates whole heads.");
    }
    return new RotaryEmbedding(headDim, read.theta(), read.scaling());
  }

  @Override
  public ModuleNames names() {
    return ModuleNames.llama();
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "LlamaForCausalLM";
  }
}
