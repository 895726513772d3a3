package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.OptionalInt;

/** Mistral 7B, Nemo and Small: no biases, and in the first a sliding window in all layers. */
final class MistralFamily implements ModelFamily {

  @Override
  public String modelType() {
    return "mistral";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    int maxPositions = read.maxPositions(131_072);
    int headDim = read.headDim();
    RotaryEmbedding rotary =
        RopeParameters.wholeHeads(config, headDim, maxPositions, RopeParameters.Defaults.PLAIN);
    AttentionShape attention =
        read.attention(read.kvHeads(8), headDim, rotary).withWindow(window(config, maxPositions));
    NormSpec norm = NormSpec.rms("model.norm", config.number("rms_norm_eps", 1e-6));
    BlockSpec block =
        BlockSpec.preNorm(
            norm.named("input_layernorm"),
            AttentionSpec.llama(attention, false, false),
            norm.named("post_attention_layernorm"),
            MlpSpec.llama(
                config.size("intermediate_size"), read.activation("hidden_act", "silu"), false));
    return read.llamaLike(maxPositions, false, read.blocks(layer -> block), norm);
  }

  /**
   * One window for all layers. A list of {@code layer_types}, which transformers overlooks in this
   * family, must not say otherwise where that makes a difference.
   */
  private static OptionalInt window(ModelConfig config, int maxPositions) {
    OptionalInt window = LayerTypes.window(config, 4096);
    LayerTypes types = LayerTypes.read(config, layer -> window.isPresent());
    if (window.isPresent() && window.getAsInt() < maxPositions && !types.areAllSliding()) {
      throw new UnsupportedModelException(
          config.source()
              + ": layer_types: expected "
              + LayerTypes.SLIDING
              + " for all layers of a mistral model whose sliding_window is shorter than its"
              + " max_position_embeddings.");
    }
    return window;
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "MistralForCausalLM";
  }
}
