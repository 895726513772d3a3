package io.github.lora4j.nn;

import io.github.lora4j.tensor.Tensor;

/** A normalisation over the last dimension. */
public interface Norm extends Layer {

  /**
   * Normalises.
   *
   * @param x {@code [..., hidden]}
   * @return the same shape and dtype
   */
  Tensor forward(Tensor x);

  /** A second owner of the same parameters, to be closed on its own. */
  Norm share();
}
