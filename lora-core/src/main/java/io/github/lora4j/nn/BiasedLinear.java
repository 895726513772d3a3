package io.github.lora4j.nn;

import io.github.lora4j.tensor.Tensor;
import java.util.Optional;

/** A linear layer whose bias can be exchanged while its weight stays where it is. */
public interface BiasedLinear extends LinearLayer {

  /** The bias {@code [out]}, which stays this layer's. */
  Optional<Tensor> bias();

  /**
   * This layer with another bias, such as one that learns: PEFT's {@code bias="all"} and {@code
   * "lora_only"}.
   *
   * @param bias {@code [out]}, of any dtype; rounded to the layer's where it is used
   * @return a view that borrows the weight and the bias: closing it is wrong, {@link #share} gives
   *     an owner
   * @throws IllegalArgumentException if the shape is another
   */
  BiasedLinear withBias(Tensor bias);
}
