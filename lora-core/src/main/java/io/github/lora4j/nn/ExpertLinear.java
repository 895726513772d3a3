package io.github.lora4j.nn;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;

/**
 * The same linear map of each expert of a mixture, one parameter for all: {@code y = x W[e]ᵀ}.
 *
 * <p>The seam at which adapters meet experts, as {@link LinearLayer} is for single layers.
 */
public interface ExpertLinear extends Layer {

  /** The parameter's name, such as {@code model.layers.0.mlp.experts.gate_up_proj}. */
  String name();

  /** How many there are. */
  int experts();

  /** The size of the last dimension of the input. */
  int inFeatures();

  /** The size of the last dimension of the output. */
  int outFeatures();

  /** The dtype that the layer computes in and returns. */
  DType dtype();

  /** Where the parameter lies. */
  Device device();

  /** Begins a forward pass. */
  Pass open(ForwardContext context);

  /** A second owner of the same parameter, to be closed on its own. */
  ExpertLinear share();

  /**
   * This layer under another name: what stands in a model whose layers repeat.
   *
   * @return a view that borrows the parameter: closing it is wrong, {@link #share} gives an owner
   * @throws UnsupportedOperationException if it is an adapter's, which has one place
   */
  default ExpertLinear renamed(String other) {
    throw new UnsupportedOperationException(
        name() + ": a " + getClass().getSimpleName() + " has one place in the model.");
  }

  /** One forward pass through those experts that have something to do. */
  @FunctionalInterface
  interface Pass {

    /**
     * Applies one expert's map; called at most once for each.
     *
     * @param x {@code [rows, inFeatures]}
     * @return {@code [rows, outFeatures]}, in the caller's scope: memory that nothing else looks
     *     at, which an adapter may add to
     */
    Tensor apply(int expert, Tensor x);
  }
}
