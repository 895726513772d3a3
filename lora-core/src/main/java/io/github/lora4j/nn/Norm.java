package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepNorm;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** A normalisation over the last dimension. */
public interface Norm extends Layer {

  /** The module's name in the checkpoint, such as {@code model.norm}. */
  String name();

  /**
   * Normalises.
   *
   * @param x {@code [..., hidden]}
   * @return the same shape and dtype, whatever the parameters' dtype
   */
  Tensor forward(Tensor x);

  /** The same for single rows in a decoding step; empty if they are left to {@link #forward}. */
  default Optional<StepNorm> step() {
    return Optional.empty();
  }

  /**
   * The same norm under another name and with other parameters.
   *
   * @param other the new name
   * @param parameters gives the parameter to put in place of each one
   */
  Norm with(String other, UnaryOperator<Tensor> parameters);

  /** A second owner of the same parameters, to be closed on its own. */
  default Norm share() {
    return with(name(), parameter -> TensorScope.keep(parameter.alias()));
  }

  /** What a change makes of this norm; a second owner of the same parameters if nothing. */
  default Norm shareWith(LayerChange change) {
    Norm changed = change.norm(this);
    return changed == this ? share() : changed;
  }
}
