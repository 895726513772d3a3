package io.github.lora4j.nn;

import io.github.lora4j.tensor.Tensor;
import java.util.List;

/**
 * A linear layer that can do part of its work together with others that read the same input.
 *
 * <p>Queries, keys and values are such layers, gate and up projection too. Each goes by its own
 * name and can be called alone: joining changes how often memory is passed over, not what comes
 * out.
 */
public interface JoiningLinear extends LinearLayer {

  /**
   * Applies layers that read the same input, of which this is the first that can join.
   *
   * @param layers all of them, in the order of the results; some may be of other kinds
   * @param x {@code [..., inFeatures]}
   * @return what each layer's {@link #forward} gives, in the caller's scope
   */
  List<Tensor> forwardAll(List<LinearLayer> layers, Tensor x, ForwardContext context);

  /** Applies layers that read the same input, together as far as they can. */
  static List<Tensor> forward(List<LinearLayer> layers, Tensor x, ForwardContext context) {
    for (LinearLayer layer : layers) {
      if (layer instanceof JoiningLinear joining) {
        return joining.forwardAll(layers, x, context);
      }
    }
    return layers.stream().map(layer -> layer.forward(x, context)).toList();
  }
}
