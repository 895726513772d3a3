package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;
import java.util.function.BiConsumer;

/** What one adapter has at one layer of the base: an update, a copy, rows. It owns its tensors. */
interface LayerPart extends AutoCloseable {

  /** Makes what it holds learn, or freezes it. */
  void requiresGrad(boolean required);

  /**
   * Shows what it trains, with the names in the live model, without the adapter's.
   *
   * @param module the layer's name
   */
  void forEachParameter(String module, BiConsumer<String, Tensor> visitor);

  /**
   * Shows what belongs into an adapter's file, with its names there, without the prefix; what has
   * to be made for that is in the caller's scope.
   *
   * @param module the layer's name
   */
  default void forEachSaved(String module, BiConsumer<String, Tensor> visitor) {
    forEachParameter(module, visitor);
  }

  @Override
  void close();
}
