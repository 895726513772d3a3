package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * Stands where a projection would, at no cost, so that what lies between projections is measured
 * alone.
 *
 * @param name of the projection
 * @param features of each of its results
 * @param dtype of its results
 * @param result what it gives; its input where there is none
 */
record StubLinear(String name, int features, DType dtype, Optional<Tensor> result)
    implements LinearLayer {

  /** Gives this result, whatever comes in. */
  static StubLinear giving(String name, Tensor result) {
    return new StubLinear(name, (int) result.size(-1), result.dtype(), Optional.of(result));
  }

  /** Gives what comes in. */
  static StubLinear identity(String name, int features, DType dtype) {
    return new StubLinear(name, features, dtype, Optional.empty());
  }

  @Override
  public int inFeatures() {
    return features;
  }

  @Override
  public int outFeatures() {
    return features;
  }

  @Override
  public Device device() {
    return Device.CPU;
  }

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    return result.orElse(x);
  }

  @Override
  public LinearLayer share() {
    return this;
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {}

  @Override
  public void close() {}
}
