package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;
import java.util.function.BiConsumer;

/**
 * A copy of a table that is trained in its place: {@code modules_to_save} of an embedding.
 *
 * @param table {@code [vocab, dim]}, float32, owned
 */
record TableCopy(Tensor table) implements LayerPart {

  @Override
  public void requiresGrad(boolean required) {
    table.requiresGrad(required);
  }

  @Override
  public void forEachParameter(String module, BiConsumer<String, Tensor> visitor) {
    visitor.accept(module + ".modules_to_save.weight", table);
  }

  @Override
  public void forEachSaved(String module, BiConsumer<String, Tensor> visitor) {
    visitor.accept(module + ".weight", table);
  }

  @Override
  public void close() {
    table.close();
  }
}
