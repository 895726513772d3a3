package io.github.lora4j.nn;

import io.github.lora4j.tensor.Tensor;

/**
 * Vectors that stand before the tokens of every sequence, as if they were looked up: what prompt
 * tuning learns (Lester et al., 2021).
 */
public interface VirtualTokens extends Layer {

  /** How many there are. */
  int count();

  /**
   * The vectors as they are now.
   *
   * @return {@code [count, embeddingDim]} of any dtype, the caller's scope's or this layer's
   */
  Tensor vectors(ForwardContext context);
}
