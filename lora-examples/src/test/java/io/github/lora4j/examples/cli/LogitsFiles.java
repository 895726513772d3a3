package io.github.lora4j.examples.cli;

import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Reads and writes the files of the command logits, and finds the reference cases. */
final class LogitsFiles {

  private LogitsFiles() {}

  static float[] floats(Path file, String name) {
    try (SafeTensors tensors = SafeTensors.open(file);
        Tensor tensor = tensors.tensor(name)) {
      return tensor.toFloatArray();
    }
  }

  static Path write(Path file, Map<String, long[]> values, long... shape) {
    try (TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      values.forEach((name, numbers) -> tensors.put(name, Tensor.of(numbers, shape)));
      SafeTensorsWriter.write(file, tensors);
    }
    return file;
  }

  /** What transformers and PEFT compute for a small Llama: the test resources of lora-core. */
  static Path referenceCases() {
    Path inside = Path.of("lora-core/src/test/resources/llama/llama");
    Path here = Path.of("").toAbsolutePath();
    return Files.isDirectory(here.resolve(inside))
        ? here.resolve(inside)
        : here.resolveSibling(inside.toString());
  }

  /** The largest difference, relative to the largest expected number. */
  static double relativeDifference(float[] actual, float[] expected) {
    if (actual.length != expected.length) {
      throw new AssertionError("expected " + expected.length + " numbers, found " + actual.length);
    }
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      difference = Math.max(difference, Math.abs((double) actual[i] - expected[i]));
    }
    return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference / largest;
  }
}
