package io.github.lora4j.model;

import io.github.lora4j.nn.Activation;
import io.github.lora4j.nn.RotaryEmbedding;

/**
 * The choices in which decoder-only models differ, read from {@code config.json} by their family.
 *
 * @param vocabSize rows of the embedding
 * @param hiddenSize features of a hidden state
 * @param numHiddenLayers number of blocks
 * @param maxPositionEmbeddings longest sequence
 * @param tieWordEmbeddings whether the head multiplies by the embedding's table
 * @param normEps what norms add to the mean square
 * @param rotary the position embedding
 * @param attention the attention of each block
 * @param mlp the MLP of each block
 */
public record DecoderSpec(
    int vocabSize,
    int hiddenSize,
    int numHiddenLayers,
    int maxPositionEmbeddings,
    boolean tieWordEmbeddings,
    double normEps,
    RotaryEmbedding rotary,
    AttentionSpec attention,
    MlpSpec mlp) {

  /** The same decoder with a head of its own. */
  DecoderSpec untied() {
    return new DecoderSpec(
        vocabSize,
        hiddenSize,
        numHiddenLayers,
        maxPositionEmbeddings,
        false,
        normEps,
        rotary,
        attention,
        mlp);
  }

  /**
   * The attention of a block.
   *
   * @param heads number of query heads
   * @param kvHeads number of key-value heads, a divisor of it
   * @param headDim features of a head
   * @param qkvBias whether the three input projections have biases
   * @param outputBias whether the output projection has one
   * @param scale what scores are multiplied by
   */
  public record AttentionSpec(
      int heads, int kvHeads, int headDim, boolean qkvBias, boolean outputBias, double scale) {

    /** Checks that heads can be grouped. */
    public AttentionSpec {
      if (heads % kvHeads != 0) {
        throw new IllegalArgumentException(
            "num_key_value_heads: expected a divisor of num_attention_heads "
                + heads
                + ", found "
                + kvHeads);
      }
      if (headDim % 2 != 0) {
        throw new IllegalArgumentException("head_dim: expected an even number, found " + headDim);
      }
    }
  }

  /**
   * The gated MLP of a block.
   *
   * @param intermediateSize features between the projections
   * @param activation applied to the gate
   * @param bias whether the projections have biases
   */
  public record MlpSpec(int intermediateSize, Activation activation, boolean bias) {}
}
