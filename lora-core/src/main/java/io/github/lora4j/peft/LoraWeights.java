package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * The two matrices of one low-rank update, float32.
 *
 * @param a {@code [r, in]}
 * @param b {@code [out, r]}
 */
record LoraWeights(Tensor a, Tensor b) implements AutoCloseable {

  /** What follows a module's name in the files of PEFT. */
  static final String A = ".lora_A.weight";

  /** What follows a module's name in the files of PEFT. */
  static final String B = ".lora_B.weight";

  /** Fresh matrices, drawn as PEFT draws them; only with {@code RANDOM} is B other than zero. */
  static LoraWeights init(
      InitLoraWeights how, int r, int in, int out, Generator generator, Device device) {
    return init(how, r, r, in, out, generator, device);
  }

  /**
   * The same for several updates one upon another.
   *
   * @param r the rank of each, which normally distributed numbers go by
   * @param rows the ranks of all
   */
  static LoraWeights init(
      InitLoraWeights how, int r, long rows, int in, int out, Generator generator, Device device) {
    switch (how.method()) {
      case KAIMING, GAUSSIAN, RANDOM -> {}
      default ->
          throw new IllegalArgumentException("initLoraWeights \"" + how + "\" is not built yet");
    }
    try (TensorScope scope = TensorScope.open()) {
      double uniformBound = 1 / Math.sqrt(in);
      Tensor a =
          how.equals(InitLoraWeights.GAUSSIAN)
              ? Tensor.normal(0, 1.0 / r, generator, rows, in)
              : Tensor.uniform(-uniformBound, uniformBound, generator, rows, in);
      double outBound = 1 / Math.sqrt(rows);
      Tensor b =
          how.equals(InitLoraWeights.RANDOM)
              ? Tensor.uniform(-outBound, outBound, generator, out, rows)
              : Tensor.zeros(DType.F32, Device.CPU, out, rows);
      return new LoraWeights(
          TensorScope.keep(a.to(device)).requiresGrad(true),
          TensorScope.keep(b.to(device)).requiresGrad(true));
    }
  }

  LoraWeights requiresGrad(boolean required) {
    a.requiresGrad(required);
    b.requiresGrad(required);
    return this;
  }

  @Override
  public void close() {
    a.close();
    b.close();
  }
}
