package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.BiConsumer;

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
      case KAIMING, GAUSSIAN, RANDOM, EVA -> {}
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

  /** The rank, or that of all experts together. */
  int rank() {
    return Math.toIntExact(a.size(0));
  }

  /** Takes the numbers of other matrices, of at most this rank, and zeros beyond. */
  void take(LoraWeights other) {
    clear();
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      a.narrow(0, 0, other.rank()).copyInPlace(other.a);
      b.narrow(1, 0, other.rank()).copyInPlace(other.b);
    }
  }

  /** Makes all numbers zero. */
  void clear() {
    try (NoGrad noGrad = NoGrad.open()) {
      a.fillInPlace(0);
      b.fillInPlace(0);
    }
  }

  /** The part of the first ranks, in the caller's scope. */
  LoraWeights first(int ranks) {
    return new LoraWeights(
        a.detach().narrow(0, 0, ranks), b.detach().narrow(1, 0, ranks).contiguous());
  }

  /** Shows each with its name in the files of PEFT. */
  void forEach(String module, BiConsumer<String, Tensor> visitor) {
    visitor.accept(module + A, a);
    visitor.accept(module + B, b);
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
