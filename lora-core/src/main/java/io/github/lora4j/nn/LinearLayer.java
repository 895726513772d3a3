package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepLinear;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.Optional;

/**
 * A map {@code y = x Wᵀ + b}, whatever form the weight has: dense, quantized, or decorated with an
 * adapter.
 *
 * <p>The counterpart of {@code torch.nn.Linear}; the seam at which adapters and quantizers meet
 * every model.
 */
public interface LinearLayer extends Layer {

  /**
   * The module's name in the checkpoint, as PEFT sees it, such as {@code
   * model.layers.0.self_attn.q_proj}.
   */
  String name();

  /** The size of the last dimension of the input. */
  int inFeatures();

  /** The size of the last dimension of the output. */
  int outFeatures();

  /** The dtype that the layer computes in and returns. */
  DType dtype();

  /** Where its parameters lie. */
  Device device();

  /**
   * Applies the layer.
   *
   * @param x {@code [..., inFeatures]}
   * @return {@code [..., outFeatures]}, in the caller's scope: memory that nothing else looks at,
   *     which an adapter may add to
   */
  Tensor forward(Tensor x, ForwardContext context);

  /**
   * What one of several threads computes of this layer in a decoding step.
   *
   * @param pieces equal stretches of outputs, of each of which the thread has its part
   * @return a view of the parameters as they are now; empty if the layer is left to {@link
   *     #forward}
   */
  default Optional<StepLinear> step(StepPart part, int pieces) {
    return Optional.empty();
  }

  /** A second owner of the same parameters, to be closed on its own. */
  LinearLayer share();

  /**
   * This layer under another name: what stands in a model whose layers repeat.
   *
   * @return a view that borrows the parameters: closing it is wrong, {@link #share} gives an owner
   */
  default LinearLayer renamed(String other) {
    return new RenamedLinear(this, other);
  }
}
