package io.github.lora4j.model;

import io.github.lora4j.io.Checkpoint;

/**
 * Refuses sizes in {@code config.json} that no model has, before anything is built from them: the
 * file may come from anywhere.
 */
final class SizeLimits {

  /** Some hundred times more than the deepest models have. */
  private static final int MAX_LAYERS = 100_000;

  /** Elements; several times more than the largest embeddings have. */
  private static final long MAX_MATRIX = 1L << 35;

  private SizeLimits() {}

  static void check(ModelConfig config, DecoderSpec spec) {
    if (spec.numHiddenLayers() > MAX_LAYERS) {
      throw config.wrong("num_hidden_layers", "at most " + MAX_LAYERS);
    }
    DecoderSpec.AttentionSpec attention = spec.attention();
    long width = (long) attention.heads() * attention.headDim();
    if (width > Integer.MAX_VALUE) {
      throw config.wrong(
          config.has("head_dim") ? "head_dim" : "num_attention_heads",
          "num_attention_heads * head_dim of at most " + Integer.MAX_VALUE);
    }
    long rows = Math.max(width, Math.max(spec.vocabSize(), (long) spec.mlp().intermediateSize()));
    if (rows > MAX_MATRIX / spec.hiddenSize()) {
      throw config.wrong(
          "hidden_size",
          "matrices of at most 2^35 elements with vocab_size "
              + spec.vocabSize()
              + ", intermediate_size "
              + spec.mlp().intermediateSize()
              + " and num_attention_heads * head_dim "
              + width);
    }
  }

  /** Each layer has tensors: more layers than tensors can't be, and would make an endless list. */
  static void check(ModelConfig config, DecoderSpec spec, Checkpoint checkpoint) {
    check(config, spec);
    int tensors = checkpoint.names().size();
    if (spec.numHiddenLayers() > tensors) {
      throw config.wrong(
          "num_hidden_layers", "at most the " + tensors + " tensors of the checkpoint beside it");
    }
  }
}
