package io.github.lora4j.nn;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * What an attention layer computes between its projections.
 *
 * @param heads number of query heads
 * @param kvHeads number of key-value heads, a divisor of it; one for multi-query attention
 * @param headDim features of a head
 * @param scale what scores are multiplied by, usually {@code 1 / sqrt(headDim)}
 * @param rotary how queries and keys are turned by position; empty where they aren't
 * @param window how many positions a query sees, its own included; empty for all
 * @param softcap the bound that scores approach as {@code softcap * tanh(score / softcap)}, as in
 *     Gemma 2; empty for none
 */
public record AttentionShape(
    int heads,
    int kvHeads,
    int headDim,
    double scale,
    Optional<RotaryEmbedding> rotary,
    OptionalInt window,
    OptionalDouble softcap) {

  /** Checks that heads can be grouped. */
  public AttentionShape {
    if (heads < 1 || kvHeads < 1 || heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "kvHeads: expected a divisor of heads " + heads + ", found " + kvHeads);
    }
    if (window.isPresent() && window.getAsInt() < 1) {
      throw new IllegalArgumentException("window: expected at least 1, found " + window.getAsInt());
    }
  }

  /** Attention over all earlier positions, scaled by one over the root of the head's size. */
  public static AttentionShape of(
      int heads, int kvHeads, int headDim, Optional<RotaryEmbedding> rotary) {
    return new AttentionShape(
        heads,
        kvHeads,
        headDim,
        1 / Math.sqrt(headDim),
        rotary,
        OptionalInt.empty(),
        OptionalDouble.empty());
  }

  /** The same with scores multiplied by another number. */
  public AttentionShape withScale(double value) {
    return new AttentionShape(heads, kvHeads, headDim, value, rotary, window, softcap);
  }

  /** The same with another position embedding, or none. */
  public AttentionShape withRotary(Optional<RotaryEmbedding> value) {
    return new AttentionShape(heads, kvHeads, headDim, scale, value, window, softcap);
  }

  /** The same with a sliding window, or none. */
  public AttentionShape withWindow(OptionalInt value) {
    return new AttentionShape(heads, kvHeads, headDim, scale, rotary, value, softcap);
  }

  /** The same with bounded scores, or not. */
  public AttentionShape withSoftcap(OptionalDouble value) {
    return new AttentionShape(heads, kvHeads, headDim, scale, rotary, window, value);
  }

  /** Query heads that share a key-value head. */
  public int group() {
    return heads / kvHeads;
  }
}
