package io.github.lora4j.nn;

import io.github.lora4j.tensor.Tensor;
import java.util.function.UnaryOperator;

/** The part of a block that maps each position on its own. */
public interface Mlp extends Layer {

  /**
   * Applies the MLP.
   *
   * @param x {@code [batch, seq, hidden]}
   * @return the same shape
   */
  Tensor forward(Tensor x, ForwardContext context);

  /** The same MLP with each linear layer replaced by what the function makes of it. */
  Mlp withLinears(UnaryOperator<LinearLayer> change);
}
