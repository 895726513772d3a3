package io.github.lora4j.model;

import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * The choices in which decoder-only models differ, read from {@code config.json} by their family.
 *
 * <p>All names are those of the checkpoint. Those of a block's parts are relative to the block.
 *
 * @param hiddenSize features of a hidden state
 * @param maxPositionEmbeddings longest sequence
 * @param tieWordEmbeddings whether the head multiplies by the embedding's table
 * @param embedding from token ids to the first block
 * @param layers the name of the list of blocks, such as {@code model.layers}
 * @param blocks in order, one for each layer
 * @param norm behind the last block, where there is one
 * @param head from hidden states to scores of tokens
 */
public record DecoderSpec(
    int hiddenSize,
    int maxPositionEmbeddings,
    boolean tieWordEmbeddings,
    EmbeddingSpec embedding,
    String layers,
    List<BlockSpec> blocks,
    Optional<NormSpec> norm,
    HeadSpec head) {

  /** Keeps an unchangeable list. */
  public DecoderSpec {
    blocks = List.copyOf(blocks);
  }

  /** Rows of the embedding. */
  public int vocabSize() {
    return embedding.vocabSize();
  }

  /** Features of a token's vector in the table, and of what the head reads. */
  public int embeddingSize() {
    return embedding.projection().map(ProjectionSpec::features).orElse(hiddenSize);
  }

  /** Number of blocks. */
  public int numHiddenLayers() {
    return blocks.size();
  }

  /** The full name of a part of a block. */
  public String inLayer(int layer, String part) {
    return layers + "." + layer + "." + part;
  }

  /** The position embeddings that blocks use, each once. */
  List<RotaryEmbedding> rotaryEmbeddings() {
    return blocks.stream()
        .flatMap(block -> block.attention().shape().rotary().stream())
        .distinct()
        .toList();
  }

  /** The same decoder with some of its blocks, in an order, any of them as often as it is named. */
  DecoderSpec withLayers(List<Integer> order) {
    return new DecoderSpec(
        hiddenSize,
        maxPositionEmbeddings,
        tieWordEmbeddings,
        embedding,
        layers,
        order.stream().map(blocks::get).toList(),
        norm,
        head);
  }

  /** The same decoder with a head of its own. */
  DecoderSpec untied() {
    return new DecoderSpec(
        hiddenSize, maxPositionEmbeddings, false, embedding, layers, blocks, norm, head);
  }

  /**
   * From token ids to hidden states.
   *
   * @param name of the table
   * @param vocabSize its rows
   * @param scale what its vectors are multiplied by, rounded to the model's dtype first
   * @param positions learned vectors that are added by position, where there are any
   * @param projection what stands between the table's vectors and hidden states of another size
   */
  public record EmbeddingSpec(
      String name,
      int vocabSize,
      double scale,
      Optional<PositionSpec> positions,
      Optional<ProjectionSpec> projection) {

    /** A table whose vectors are hidden states. */
    public EmbeddingSpec(
        String name, int vocabSize, double scale, Optional<PositionSpec> positions) {
      this(name, vocabSize, scale, positions, Optional.empty());
    }

    /** A table alone. */
    public static EmbeddingSpec of(String name, int vocabSize) {
      return new EmbeddingSpec(name, vocabSize, 1, Optional.empty());
    }

    /** How many positions have learned vectors; any number where none have. */
    int rowsOfPositions() {
      return positions.map(p -> p.rows() - p.offset()).orElse(Integer.MAX_VALUE);
    }

    /** The same with learned positions. */
    public EmbeddingSpec withPositions(PositionSpec given) {
      return new EmbeddingSpec(name, vocabSize, scale, Optional.of(given), projection);
    }

    /** The same with projections around the blocks. */
    public EmbeddingSpec withProjection(ProjectionSpec given) {
      return new EmbeddingSpec(name, vocabSize, scale, positions, Optional.of(given));
    }
  }

  /**
   * Linear layers between vectors of one size in the table and the head, and of another in the
   * blocks (OPT-350m).
   *
   * @param features of the table's vectors
   * @param in from them to hidden states, before positions are added
   * @param out back, behind the last norm
   */
  public record ProjectionSpec(int features, LinearSpec in, LinearSpec out) {}

  /**
   * Learned position embeddings.
   *
   * @param name of the table
   * @param rows its rows
   * @param offset the row of position 0
   * @param skipsPadding whether padding before a sample's first token isn't counted where no
   *     positions are given
   */
  public record PositionSpec(String name, int rows, int offset, boolean skipsPadding) {}

  /**
   * From hidden states to scores.
   *
   * @param name of the linear layer
   * @param bias whether it has one
   * @param scale what scores are multiplied by
   * @param softcap the bound that scores approach, where there is one
   */
  public record HeadSpec(String name, boolean bias, double scale, OptionalDouble softcap) {

    /** A plain linear layer. */
    public static HeadSpec of(String name) {
      return new HeadSpec(name, false, 1, OptionalDouble.empty());
    }

    /** Whether something happens to the scores behind the linear layer. */
    boolean changesScores() {
      return scale != 1 || softcap.isPresent();
    }
  }

  /**
   * A linear layer.
   *
   * @param name in the checkpoint
   * @param bias whether it has one
   * @param inputFirst whether the checkpoint stores its weight {@code [in, out]}: transformers'
   *     {@code Conv1D}
   */
  public record LinearSpec(String name, boolean bias, boolean inputFirst) {

    /** A layer as torch has it. */
    public static LinearSpec of(String name, boolean bias) {
      return new LinearSpec(name, bias, false);
    }
  }

  /** Every norm of a block that is there. */
  static Stream<NormSpec> normsOf(BlockSpec block) {
    return Stream.of(
            block.beforeAttention(), block.afterAttention(), block.beforeMlp(), block.afterMlp())
        .flatMap(Optional::stream);
  }
}
