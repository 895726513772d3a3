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
          named(config, "head_dim", named(config, "num_attention_heads", "n_head")),
          "(num_attention_heads + 2 * num_key_value_heads) * head_dim of at most "
              + Integer.MAX_VALUE);
    }
    for (BlockSpec block : spec.blocks()) {
      if (block.mlp() instanceof MlpSpec.Experts mlp
          && mlp.count() > MAX_MATRIX / spec.hiddenSize() / mlp.intermediateSize() / 2) {
        throw config.wrong(
            config.has("num_experts") ? "num_experts" : "num_local_experts",
            "experts of at most 2^35 elements together");
      }
    }
    checkEmbedding(config, spec);
    long rows = Math.max(spec.vocabSize(), Math.max(heads, 2L * intermediate));
    if (rows > Integer.MAX_VALUE || rows > MAX_MATRIX / spec.hiddenSize()) {
      throw config.wrong(
          named(config, "hidden_size", "n_embd"),
          "matrices of at most 2^35 elements and 2^31 rows with vocab_size "
              + spec.vocabSize()
              + ", intermediate_size "
              + intermediate
              + " and heads of "
              + heads
              + " features together");
    }
  }

  private static void checkEmbedding(ModelConfig config, DecoderSpec spec) {
    long positions = spec.embedding().positions().map(DecoderSpec.PositionSpec::rows).orElse(0);
    if (positions > MAX_MATRIX / spec.hiddenSize()) {
      throw config.wrong(
          named(config, "max_position_embeddings", "n_positions"),
          "a table of at most 2^35 elements with hidden states of " + spec.hiddenSize());
    }
    long rows = Math.max(spec.vocabSize(), spec.hiddenSize());
    if (spec.embedding().projection().isPresent() && rows > MAX_MATRIX / spec.embeddingSize()) {
      throw config.wrong("word_embed_proj_dim", "matrices of at most 2^35 elements");
    }
  }

  private static String named(ModelConfig config, String name, String otherName) {
    return config.has(name) ? name : otherName;
  }

  /** Each layer has tensors: more layers than tensors can't be, and would make an endless list. */
  static void check(ModelConfig config, DecoderSpec spec, Checkpoint checkpoint) {
    check(config, spec);
    int tensors = checkpoint.names().size();
    if (spec.numHiddenLayers() > tensors) {
      throw config.wrong(
          named(config, "num_hidden_layers", "n_layer"),
          "at most the " + tensors + " tensors of the checkpoint beside it");
    }
    long headNorms =
        spec.blocks().stream().map(BlockSpec::attention).mapToLong(SizeLimits::headNorms).sum();
    if (headNorms > tensors) {
      throw config.wrong(
          "num_attention_heads",
          "with qk_layernorm at most as many in all layers as the "
              + tensors
              + " tensors of the checkpoint beside it");
    }
  }

  /** How many norms of heads have a tensor each. */
  private static int headNorms(AttentionSpec attention) {
    boolean each =
        attention.norms().filter(n -> n.q().kind() == NormSpec.Kind.LAYER_PER_HEAD).isPresent();
    return each ? attention.shape().heads() + attention.shape().kvHeads() : 0;
  }
}
