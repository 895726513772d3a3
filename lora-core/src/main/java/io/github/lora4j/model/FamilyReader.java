package io.github.lora4j.model;

import io.github.lora4j.nn.Activation;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * What families read from {@code config.json} in the same way, with the checks that belong to it.
 */
final class FamilyReader {

  private final ModelConfig config;
  private final int hiddenSize;
  private final int heads;

  FamilyReader(ModelConfig config) {
    this(config, "hidden_size", "num_attention_heads");
  }

  /** For families that call these two otherwise. */
  FamilyReader(ModelConfig config, String hiddenKey, String headsKey) {
    this.config = config;
    this.hiddenSize = config.size(hiddenKey);
    this.heads = config.size(headsKey);
    if (!config.has("head_dim") && hiddenSize % heads != 0) {
      throw config.wrong(headsKey, "a divisor of " + hiddenKey + " " + hiddenSize);
    }
  }

  int hiddenSize() {
    return hiddenSize;
  }

  int heads() {
    return heads;
  }

  /** {@code head_dim}, or what is left to each head. */
  int headDim() {
    return headDim(hiddenSize / heads);
  }

  /** {@code head_dim}, or the family's default. */
  int headDim(int defaultValue) {
    int headDim = config.has("head_dim") ? config.size("head_dim") : defaultValue;
    if (headDim % 2 != 0) {
      throw config.wrong(
          config.has("head_dim") ? "head_dim" : "num_attention_heads", "heads of an even size");
    }
    return headDim;
  }

  /** {@code num_key_value_heads}, or as many as heads. */
  int kvHeads() {
    return kvHeads(heads);
  }

  /** {@code num_key_value_heads}, or the family's default. */
  int kvHeads(int defaultValue) {
    String key = "num_key_value_heads";
    int kvHeads = config.has(key) ? config.size(key) : defaultValue;
    if (heads % kvHeads != 0) {
      throw config.wrong(key, "a divisor of num_attention_heads " + heads);
    }
    return kvHeads;
  }

  /** {@code max_position_embeddings}, or the family's default. */
  int maxPositions(int defaultValue) {
    String key = "max_position_embeddings";
    return config.has(key) ? config.size(key) : defaultValue;
  }

  /** An activation by name. */
  Activation activation(String key, String defaultName) {
    return Activation.byName(config.string(key, defaultName))
        .orElseThrow(() -> config.wrong(key, Activation.knownNames()));
  }

  /** Attention with grouped queries over all positions, turned by position. */
  AttentionShape attention(int headDim, RotaryEmbedding rotary) {
    return AttentionShape.of(heads, kvHeads(), headDim, Optional.of(rotary));
  }

  /** One description for each layer. */
  List<BlockSpec> blocks(IntFunction<BlockSpec> ofLayer) {
    return blocks("num_hidden_layers", ofLayer);
  }

  /** One description for each layer, for families that call the number otherwise. */
  List<BlockSpec> blocks(String key, IntFunction<BlockSpec> ofLayer) {
    int layers = SizeLimits.layers(config, key);
    List<BlockSpec> blocks = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      blocks.add(ofLayer.apply(layer));
    }
    return blocks;
  }

  /**
   * A decoder with Llama's names around its blocks: {@code model.embed_tokens}, {@code
   * model.layers}, {@code model.norm}, {@code lm_head}.
   */
  DecoderSpec llamaLike(
      int maxPositions, boolean tieByDefault, List<BlockSpec> blocks, NormSpec norm) {
    return new DecoderSpec(
        hiddenSize,
        maxPositions,
        config.flag("tie_word_embeddings", tieByDefault),
        DecoderSpec.EmbeddingSpec.of("model.embed_tokens", config.size("vocab_size")),
        "model.layers",
        blocks,
        Optional.of(norm),
        DecoderSpec.HeadSpec.of("lm_head"));
  }
}
