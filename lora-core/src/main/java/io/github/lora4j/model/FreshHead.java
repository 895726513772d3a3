package io.github.lora4j.model;

import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;

/**
 * A head for a checkpoint that has none, drawn as transformers draws it: normally distributed.
 *
 * @param std the standard deviation
 * @param seed what it is drawn from
 */
record FreshHead(double std, long seed) {

  static FreshHead of(ModelConfig config, long seed) {
    return new FreshHead(config.number("initializer_range", config.number("init_std", 0.02)), seed);
  }

  DenseLinear draw(String name, int out, int in, DType dtype, Device device) {
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(seed)) {
      Tensor weight = Tensor.normal(0, std, generator, out, in).to(dtype).to(device);
      return new DenseLinear(name, TensorScope.keep(weight), Optional.empty());
    }
  }
}
