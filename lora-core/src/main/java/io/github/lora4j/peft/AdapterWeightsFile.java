package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.io.TensorMismatch;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** Reads and writes {@code adapter_model.safetensors} with PEFT's tensor names. */
final class AdapterWeightsFile {

  static final String NAME = "adapter_model.safetensors";

  private static final String PREFIX = "base_model.model.";

  private AdapterWeightsFile() {}

  static void write(Path folder, String adapter, AdaptedLayers layers) {
    try (TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      layers.forEachSaved(adapter, (key, tensor) -> tensors.put(PREFIX + key, tensor));
      SafeTensorsWriter.write(folder.resolve(NAME), tensors);
    }
  }

  /**
   * What one layer's update must look like.
   *
   * @param module the layer's name
   * @param r the rank that the configuration gives it
   * @param in the layer's inputs
   * @param out the layer's outputs
   * @param older a tensor's name in older versions of transformers
   */
  record Expected(String module, int r, int in, int out, UnaryOperator<String> older)
      implements ExpectedUpdate {

    @Override
    public Map<String, List<Long>> shapes(Set<String> there) {
      Map<String, List<Long>> shapes = new LinkedHashMap<>();
      shapes.put(name(there, LoraWeights.A), List.of((long) r, (long) in));
      shapes.put(name(there, LoraWeights.B), List.of((long) out, (long) r));
      return shapes;
    }

    @Override
    public LoraWeights read(Set<String> there, Function<String, Tensor> tensor) {
      return new LoraWeights(
          tensor.apply(name(there, LoraWeights.A)), tensor.apply(name(there, LoraWeights.B)));
    }

    private String name(Set<String> there, String matrix) {
      String old = older.apply(module + matrix);
      return there.contains(old) ? old : module + matrix;
    }
  }

  /**
   * What a file holds, by the layers' names.
   *
   * @param updates low-rank updates
   * @param copies layers that were trained whole
   */
  record Contents(Map<String, LoraWeights> updates, Map<String, TrainedCopy.Weights> copies)
      implements AutoCloseable {

    /** Frees what nobody took. */
    @Override
    public void close() {
      updates.values().forEach(LoraWeights::close);
      copies.values().forEach(TrainedCopy.Weights::close);
    }
  }

  /**
   * Reads the weights of all layers, in float32, frozen.
   *
   * @param layers those with low-rank updates
   * @param saved those that were trained whole, as the base has them
   * @throws AdapterMismatchException listing all missing, unexpected and misshapen keys at once
   */
  static Contents read(
      Path folder, List<ExpectedUpdate> layers, List<DenseLinear> saved, Device device) {
    Path file = folder.resolve(NAME);
    if (!Files.isRegularFile(file)) {
      throw new AdapterMismatchException(
          file
              + " is missing: an adapter folder holds adapter_config.json and "
              + NAME
              + (Files.exists(folder.resolve("adapter_model.bin"))
                  ? "; adapter_model.bin is a pickle, which is never read: save it again with"
                      + " safe_serialization=True."
                  : "."));
    }
    try (SafeTensors tensors = SafeTensors.open(file)) {
      requireMatch(file, tensors, layers, saved);
      Map<String, LoraWeights> updates = new LinkedHashMap<>();
      Set<String> there = there(tensors);
      for (ExpectedUpdate layer : layers) {
        updates.put(layer.module(), layer.read(there, name -> tensor(tensors, name, device)));
      }
      Map<String, TrainedCopy.Weights> copies = new LinkedHashMap<>();
      for (DenseLinear layer : saved) {
        copies.put(
            layer.name(),
            new TrainedCopy.Weights(
                tensor(tensors, layer.name() + ".weight", device),
                layer.bias().map(b -> tensor(tensors, layer.name() + ".bias", device))));
      }
      return new Contents(updates, copies);
    }
  }

  private static void requireMatch(
      Path file, SafeTensors tensors, List<ExpectedUpdate> layers, List<DenseLinear> saved) {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    Set<String> there = there(tensors);
    for (ExpectedUpdate layer : layers) {
      layer.shapes(there).forEach((name, shape) -> shapes.put(PREFIX + name, shape));
    }
    saved.forEach(
        layer ->
            layer.forEachParameter(
                (name, parameter) ->
                    shapes.put(PREFIX + name, Arrays.stream(parameter.shape()).boxed().toList())));
    TensorMismatch.describe(tensors.names(), tensors::info, shapes, name -> false)
        .ifPresent(
            differences -> {
              throw new AdapterMismatchException(
                  file
                      + " doesn't hold the adapter that adapter_config.json describes for this base"
                      + " model."
                      + differences);
            });
  }

  /** The names in the file, without the prefix. */
  private static Set<String> there(SafeTensors tensors) {
    return tensors.names().stream()
        .filter(name -> name.startsWith(PREFIX))
        .map(name -> name.substring(PREFIX.length()))
        .collect(Collectors.toSet());
  }

  /** A copy, not a view of the mapping: adapters are small and their file may be saved over. */
  private static Tensor tensor(SafeTensors tensors, String name, Device device) {
    try (TensorScope scope = TensorScope.open()) {
      return TensorScope.keep(tensors.tensor(PREFIX + name).to(DType.F32).copy().to(device));
    }
  }
}
