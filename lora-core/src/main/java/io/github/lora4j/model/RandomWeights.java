package io.github.lora4j.model;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * Fresh parameters as transformers initialises them: matrices normally distributed with {@code
 * initializer_range}, norm weights one, biases zero.
 */
final class RandomWeights implements WeightSource {

  private final Generator generator;
  private final double std;
  private final Device device;

  RandomWeights(Generator generator, double std, Device device) {
    this.generator = generator;
    this.std = std;
    this.device = device;
  }

  @Override
  public Tensor get(String name, long... shape) {
    try (TensorScope scope = TensorScope.open()) {
      if (shape.length == 1) {
        double value = name.endsWith(".bias") ? 0 : 1;
        return TensorScope.keep(Tensor.full(value, DType.F32, device, shape));
      }
      return TensorScope.keep(Tensor.normal(0, std, generator, shape).to(device));
    }
  }
}
