package io.github.lora4j.peft;

import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;

/** The linear layers that are trained whole beside an adapter: {@code modules_to_save}. */
final class SavedCopies implements AutoCloseable {

  private final Map<String, TrainedCopy> copies = new LinkedHashMap<>();

  /** What is expected of them in a file, or copied from the base. */
  static void expect(
      List<DenseLinear> layers, String prefix, Map<String, TunerSource.Parameter> expected) {
    layers.forEach(
        layer ->
            layer.forEachParameter(
                (name, tensor) ->
                    expected.put(prefix + name, TunerSource.Parameter.copyOf(tensor))));
  }

  /**
   * Takes their parameters.
   *
   * @param prefix of the names in the file
   */
  SavedCopies(List<DenseLinear> layers, String prefix, Map<String, Tensor> parameters) {
    for (DenseLinear layer : layers) {
      String name = prefix + layer.name();
      TrainedCopy.Weights own =
          new TrainedCopy.Weights(
              Objects.requireNonNull(parameters.get(name + ".weight"), name),
              Optional.ofNullable(parameters.get(name + ".bias")));
      copies.put(layer.name(), new TrainedCopy(layer, own));
    }
  }

  /** The copy of a layer, or the layer. */
  LinearLayer replace(LinearLayer layer) {
    TrainedCopy copy = copies.get(layer.name());
    return copy == null ? layer : copy;
  }

  /** A plain layer made of the copy, or a second owner of the layer. */
  LinearLayer unloaded(LinearLayer layer, boolean safe) {
    TrainedCopy copy = copies.get(layer.name());
    return copy == null ? layer.share() : copy.mergedLayer(safe);
  }

  void forEach(String prefix, BiConsumer<String, Tensor> visitor) {
    copies.forEach(
        (module, copy) ->
            copy.forEachSaved(module, (name, tensor) -> visitor.accept(prefix + name, tensor)));
  }

  @Override
  public void close() {
    copies.values().forEach(TrainedCopy::close);
  }
}
