package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepMlp;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.tensor.Tensor;
import java.util.Optional;

/** The part of a block that maps each position on its own. */
public interface Mlp extends Layer {

  /**
   * Applies the MLP.
   *
   * @param x {@code [batch, seq, hidden]}
   * @return the same shape
   */
  Tensor forward(Tensor x, ForwardContext context);

  /**
   * What one of several threads computes of it in a decoding step.
   *
   * @return empty if it is left to {@link #forward}
   */
  default Optional<StepMlp> step(StepPart part) {
    return Optional.empty();
  }

  /** The same MLP with each linear layer replaced by what the function makes of it. */
  Mlp withLinears(LayerChange change);

  /**
   * An MLP of its own that shares the memory of all other parameters with this one.
   *
   * @param change gives the linear layer that the new MLP will own in place of each one; routers
   *     and experts that it leaves as they are get a second owner
   */
  default Mlp shareWith(LayerChange change) {
    return withLinears(change);
  }
}
