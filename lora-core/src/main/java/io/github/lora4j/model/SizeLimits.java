package io.github.lora4j.model;

import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.nn.AttentionShape;

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

  /** The number of blocks, refused before a list of that length is made. */
  static int layers(ModelConfig config, String key) {
    int layers = config.size(key);
    if (layers > MAX_LAYERS) {
      throw config.wrong(key, "at most " + MAX_LAYERS);
    }
    return layers;
  }

  static void check(ModelConfig config, DecoderSpec spec) {
    long heads = 0;
    int intermediate = 0;
    for (BlockSpec block : spec.blocks()) {
      AttentionShape attention = block.attention().shape();
      heads = Math.max(heads, (attention.heads() + 2L * attention.kvHeads()) * attention.headDim());
      intermediate = Math.max(intermediate, block.mlp().intermediateSize());
    }
    if (heads > Integer.MAX_VALUE) {
      throw config.wrong(
          config.has("head_dim") ? "head_dim" : "num_attention_heads",
          "(num_attention_heads + 2 * num_key_value_heads) * head_dim of at most "
              + Integer.MAX_VALUE);
    }
    long rows = Math.max(spec.vocabSize(), Math.max(heads, 2L * intermediate));
    if (rows > Integer.MAX_VALUE || rows > MAX_MATRIX / spec.hiddenSize()) {
      throw config.wrong(
          "hidden_size",
          "matrices of at most 2^35 elements and 2^31 rows with vocab_size "
              + spec.vocabSize()
              + ", intermediate_size "
              + intermediate
              + " and heads of "
              + heads
              + " features together");
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
