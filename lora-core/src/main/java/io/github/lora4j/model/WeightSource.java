package io.github.lora4j.model;

import io.github.lora4j.nn.Layer;
import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Where a model's parameters come from. */
interface WeightSource {

  /** Gives the caller a tensor to own; called once for each name that was announced. */
  Tensor get(String name, long... shape);

  /**
   * Builds a layer tree from a source; what was taken is freed if the tree can't be finished, as
   * when the memory doesn't suffice.
   */
  static <T extends Layer> T feed(WeightSource source, Function<WeightSource, T> build) {
    List<Tensor> taken = new ArrayList<>();
    try {
      return build.apply(
          (name, shape) -> {
            Tensor tensor = source.get(name, shape);
            taken.add(tensor);
            return tensor;
          });
    } catch (RuntimeException | Error e) {
      taken.forEach(Tensor::close);
      throw e;
    }
  }
}
