package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.io.TensorMismatch;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads and writes {@code adapter_model.safetensors} with PEFT's tensor names. */
final class AdapterWeightsFile {

  static final String NAME = "adapter_model.safetensors";

  private static final String PREFIX = "base_model.model.";

  private AdapterWeightsFile() {}

  static void write(Path folder, List<LoraLinear> layers) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (LoraLinear layer : layers) {
      tensors.put(PREFIX + layer.name() + LoraWeights.A, layer.update().a());
      tensors.put(PREFIX + layer.name() + LoraWeights.B, layer.update().b());
    }
    SafeTensorsWriter.write(folder.resolve(NAME), tensors);
  }

  /**
   * What one layer's update must look like.
   *
   * @param module the layer's name
   * @param r the rank that the configuration gives it
   * @param in the layer's inputs
   * @param out the layer's outputs
   */
  record Expected(String module, int r, int in, int out) {}

  /**
   * Reads the updates of all layers, in float32, frozen.
   *
   * @throws AdapterMismatchException listing all missing, unexpected and misshapen keys at once
   */
  static Map<String, LoraWeights> read(Path folder, List<Expected> layers, Device device) {
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
      requireMatch(file, tensors, layers);
      Map<String, LoraWeights> updates = new LinkedHashMap<>();
      for (Expected layer : layers) {
        updates.put(
            layer.module(),
            new LoraWeights(
                tensor(tensors, layer.module() + LoraWeights.A, device),
                tensor(tensors, layer.module() + LoraWeights.B, device)));
      }
      return updates;
    }
  }

  private static void requireMatch(Path file, SafeTensors tensors, List<Expected> layers) {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    for (Expected layer : layers) {
      long r = layer.r();
      shapes.put(PREFIX + layer.module() + LoraWeights.A, List.of(r, (long) layer.in()));
      shapes.put(PREFIX + layer.module() + LoraWeights.B, List.of((long) layer.out(), r));
    }
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

  /** A copy, not a view of the mapping: adapters are small and their file may be saved over. */
  private static Tensor tensor(SafeTensors tensors, String name, Device device) {
    try (TensorScope scope = TensorScope.open()) {
      return TensorScope.keep(tensors.tensor(PREFIX + name).to(DType.F32).copy().to(device));
    }
  }
}
