package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.nn.Activation;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * What families read from {@code config.json} in the same way, with the checks that belong to it.
 *
 * <p>Rates of dropout in the base ({@code attention_dropout}, {@code resid_pdrop}, {@code
 * embd_pdrop} and others) are overlooked: the base is frozen and computes the same in training as
 * in evaluation. What else changes the computation and isn't built is refused.
 */
final class FamilyReader {

  private final ModelConfig config;
  private final int hiddenSize;
  private final int heads;
  private final String hiddenKey;
  private final String headsKey;

  FamilyReader(ModelConfig config) {
    this(config, "hidden_size", "num_attention_heads");
  }

  /** For families that call these two otherwise. */
  FamilyReader(ModelConfig config, String hiddenKey, String headsKey) {
    this.config = config;
    this.hiddenSize = config.size(hiddenKey);
    this.heads = config.size(headsKey);
    this.hiddenKey = hiddenKey;
    this.headsKey = headsKey;
    refuse(!config.flag("is_causal", true), "is_causal", "true");
    refuse(
        config.flag("use_bidirectional_attention", false), "use_bidirectional_attention", "false");
    refuse(config.has("per_layer_config"), "per_layer_config", "none");
  }

  /** Refuses a setting that changes the computation in a way that isn't built. */
  void refuse(boolean found, String key, String expected) {
    if (found) {
      throw new UnsupportedModelException(
          config.source()
              + ": "
              + key
              + ": expected "
              + expected
              + "; anything else is not supported.");
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
    return headDim(config.has("head_dim") ? 0 : evenShare());
  }

  /** What is left to each head of the hidden size, for families without {@code head_dim}. */
  int evenShare() {
    if (hiddenSize % heads != 0) {
      throw config.wrong(headsKey, "a divisor of " + hiddenKey + " " + hiddenSize);
    }
    return hiddenSize / heads;
  }

  /** {@code head_dim}, or the family's default. */
  int headDim(int defaultValue) {
    int headDim = config.has("head_dim") ? config.size("head_dim") : defaultValue;
    if (headDim % 2 != 0) {
      throw config.wrong(config.has("head_dim") ? "head_dim" : headsKey, "heads of an even size");
    }
    return headDim;
  }

  /** {@code num_key_value_heads}, or as many as heads. */
  int kvHeads() {
    return kvHeads(heads);
  }

  /** {@code num_key_value_heads}, the family's default, or as many as heads where it is null. */
  int kvHeads(int defaultValue) {
    String key = "num_key_value_heads";
    int silent = config.isNull(key) ? heads : defaultValue;
    int kvHeads = config.has(key) ? config.size(key) : silent;
    if (heads % kvHeads != 0) {
      throw config.wrong(key, "a divisor of num_attention_heads " + heads);
    }
    return kvHeads;
  }

  /** A size, or four times the hidden size where the key is missing or null. */
  int sizeOrFourHidden(String key) {
    return config.has(key) ? config.size(key) : (int) Math.min(Integer.MAX_VALUE, 4L * hiddenSize);
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
    return attention(kvHeads(), headDim, rotary);
  }

  /** The same with a number of key-value heads that was read with the family's default. */
  AttentionShape attention(int kvHeads, int headDim, RotaryEmbedding rotary) {
    return AttentionShape.of(heads, kvHeads, headDim, Optional.of(rotary));
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
    return llamaLike(
        maxPositions, tieByDefault, 1, blocks, norm, DecoderSpec.HeadSpec.of("lm_head"));
  }

  /** The same with embeddings multiplied by a number and a head that changes scores. */
  DecoderSpec llamaLike(
      int maxPositions,
      boolean tieByDefault,
      double embeddingScale,
      List<BlockSpec> blocks,
      NormSpec norm,
      DecoderSpec.HeadSpec head) {
    return new DecoderSpec(
        hiddenSize,
        maxPositions,
        config.flag("tie_word_embeddings", tieByDefault),
        new DecoderSpec.EmbeddingSpec(
            "model.embed_tokens", config.size("vocab_size"), embeddingScale, Optional.empty()),
        "model.layers",
        blocks,
        Optional.of(norm),
        head);
  }
}
