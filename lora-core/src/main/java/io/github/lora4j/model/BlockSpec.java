package io.github.lora4j.model;

import java.util.Optional;

/**
 * A block of the decoder: attention and an MLP, each with a norm before it, behind it, both or
 * none, added to what came in.
 *
 * @param arrangement how the two stand to each other
 * @param beforeAttention norm of what attention reads
 * @param afterAttention norm of what attention gives, before it is added
 * @param beforeMlp norm of what the MLP reads; without one, a parallel MLP reads what attention
 *     reads
 * @param afterMlp norm of what the MLP gives, before it is added
 * @param attention the attention
 * @param mlp the MLP
 * @param residualScale what attention and MLP give is multiplied by before it is added
 */
public record BlockSpec(
    Arrangement arrangement,
    Optional<NormSpec> beforeAttention,
    Optional<NormSpec> afterAttention,
    Optional<NormSpec> beforeMlp,
    Optional<NormSpec> afterMlp,
    AttentionSpec attention,
    MlpSpec mlp,
    double residualScale) {

  /** How attention and MLP stand to each other. */
  public enum Arrangement {
    /** The MLP reads what came in plus attention's part. */
    SEQUENTIAL,
    /** Both read what came in (GPT-J, Falcon, Phi). */
    PARALLEL,
    /**
     * As SEQUENTIAL, but {@link #afterAttention} and {@link #afterMlp} are norms of the sums, as in
     * the first transformers (Vaswani et al., 2017; OPT-350m).
     */
    NORM_OF_SUM
  }

  /** The block of Llama and most others: a norm before each part. */
  public static BlockSpec preNorm(
      NormSpec beforeAttention, AttentionSpec attention, NormSpec beforeMlp, MlpSpec mlp) {
    return new BlockSpec(
        Arrangement.SEQUENTIAL,
        Optional.of(beforeAttention),
        Optional.empty(),
        Optional.of(beforeMlp),
        Optional.empty(),
        attention,
        mlp,
        1);
  }

  /**
   * A block whose parts both read what came in.
   *
   * @param beforeMlp norm of what the MLP reads; empty where it reads what attention reads
   */
  public static BlockSpec parallel(
      NormSpec beforeAttention,
      AttentionSpec attention,
      Optional<NormSpec> beforeMlp,
      MlpSpec mlp) {
    return new BlockSpec(
        Arrangement.PARALLEL,
        Optional.of(beforeAttention),
        Optional.empty(),
        beforeMlp,
        Optional.empty(),
        attention,
        mlp,
        1);
  }

  /** The same block with what its parts give multiplied by a number. */
  public BlockSpec withResidualScale(double value) {
    return new BlockSpec(
        arrangement, beforeAttention, afterAttention, beforeMlp, afterMlp, attention, mlp, value);
  }
}
