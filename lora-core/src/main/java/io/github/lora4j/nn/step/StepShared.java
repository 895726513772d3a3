package io.github.lora4j.nn.step;

import io.github.lora4j.tensor.RowInput;
import io.github.lora4j.tensor.RowKernels;
import java.util.HashMap;
import java.util.Map;

/** Memory that all threads of a step have in common; they ask for it before the first step. */
public final class StepShared implements AutoCloseable {

  private final RowKernels kernels;
  private final Map<String, float[]> arrays = new HashMap<>();
  private final Map<String, RowInput> inputs = new HashMap<>();

  /** Memory for products of these kernels. */
  public StepShared(RowKernels kernels) {
    this.kernels = kernels;
  }

  RowKernels kernels() {
    return kernels;
  }

  float[] array(String name, int size) {
    return arrays.computeIfAbsent(name + " " + size, key -> new float[size]);
  }

  RowInput input(String name, int features) {
    return inputs.computeIfAbsent(name + " " + features, key -> kernels.input(features));
  }

  @Override
  public void close() {
    inputs.values().forEach(RowInput::close);
  }
}
