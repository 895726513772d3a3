package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;
import java.util.function.BiConsumer;

/**
 * A bias that an adapter trains in the place of the base's.
 *
 * @param bias {@code [out]}, float32, owned
 * @param besideUpdate whether the adapter has an update of the layer too, which PEFT's names tell
 */
record TrainedBias(Tensor bias, boolean besideUpdate) implements LayerPart {

  @Override
  public void requiresGrad(boolean required) {
    bias.requiresGrad(required);
  }

  @Override
  public void forEachParameter(String module, BiConsumer<String, Tensor> visitor) {
    visitor.accept(module + (besideUpdate ? ".base_layer.bias" : ".modules_to_save.bias"), bias);
  }

  @Override
  public void forEachSaved(String module, BiConsumer<String, Tensor> visitor) {
    visitor.accept(key(module, besideUpdate), bias);
  }

  /** The name in a file, without the prefix. */
  static String key(String module, boolean besideUpdate) {
    return module + (besideUpdate ? ".base_layer.bias" : ".bias");
  }

  @Override
  public void close() {
    bias.close();
  }
}
