package io.github.lora4j.nn;

import io.github.lora4j.tensor.Tensor;
import java.util.function.BiConsumer;

/**
 * A part of a model that owns parameters.
 *
 * <p>Layers are immutable in structure: wrapping one makes a new tree around it. {@link #close()}
 * frees the parameters.
 */
public interface Layer extends AutoCloseable {

  /** Shows each parameter with its name in the checkpoint, such as {@code model.norm.weight}. */
  void forEachParameter(BiConsumer<String, Tensor> visitor);

  @Override
  void close();
}
