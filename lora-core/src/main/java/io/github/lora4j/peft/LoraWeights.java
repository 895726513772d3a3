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
    try (TensorScope scope = TensorScope.open()) {
      double uniformBound = 1 / Math.sqrt(in);
      Tensor a =
          switch (how) {
            case KAIMING, RANDOM -> Tensor.uniform(-uniformBound, uniformBound, generator, r, in);
            case GAUSSIAN -> Tensor.normal(0, 1.0 / r, generator, r, in);
          };
      double outBound = 1 / Math.sqrt(r);
      Tensor b =
          how == InitLoraWeights.RANDOM
              ? Tensor.uniform(-outBound, outBound, generator, out, r)
              : Tensor.zeros(DType.F32, Device.CPU, out, r);
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
