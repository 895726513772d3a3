package io.github.lora4j.peft;

import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * What one low-rank update learns, and what it began with, float32.
 *
 * @param a {@code [r, in]}
 * @param b {@code [out, r]}
 * @param bias {@code [out]}, of B, where it has one
 * @param magnitude {@code [out]}, where it is DoRA
 * @param start frozen A and B whose product the base's weight gives up, where the beginning asks
 *     for that
 * @param rounded the layer with another weight, in few bits, that stands in the base's place where
 *     this takes part, where the beginning asks for that; owned
 */
record LoraWeights(
    Tensor a,
    Tensor b,
    Optional<Tensor> bias,
    Optional<Tensor> magnitude,
    Optional<LoraWeights> start,
    Optional<QuantizedLinear> rounded)
    implements AutoCloseable {

  /** What follows a module's name in the files of PEFT. */
  static final String A = ".lora_A.weight";

  /** What follows a module's name in the files of PEFT. */
  static final String B = ".lora_B.weight";

  /** What follows a module's name in the files of PEFT. */
  static final String B_BIAS = ".lora_B.bias";

  /** What follows a module's name in the files of PEFT. */
  static final String MAGNITUDE = ".lora_magnitude_vector";

  LoraWeights(Tensor a, Tensor b) {
    this(a, b, Optional.empty(), Optional.empty());
  }

  LoraWeights(Tensor a, Tensor b, Optional<Tensor> bias, Optional<Tensor> magnitude) {
    this(a, b, bias, magnitude, Optional.empty(), Optional.empty());
  }

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
          throw new IllegalArgumentException(
              "initLoraWeights \"" + how + "\" is not built for parameters of experts");
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
      return new LoraWeights(TensorScope.keep(a.to(device)), TensorScope.keep(b.to(device)))
          .requiresGrad(true);
    }
  }

  LoraWeights withBias(Tensor other) {
    return new LoraWeights(a, b, Optional.of(other), magnitude, start, rounded);
  }

  LoraWeights withMagnitude(Tensor other) {
    return new LoraWeights(a, b, bias, Optional.of(other), start, rounded);
  }

  LoraWeights withStart(Optional<LoraWeights> other) {
    return new LoraWeights(a, b, bias, magnitude, other, rounded);
  }

  LoraWeights withRounded(QuantizedLinear other) {
    return new LoraWeights(a, b, bias, magnitude, start, Optional.of(other));
  }

  /** The rank, or that of all experts together. */
  int rank() {
    return Math.toIntExact(a.size(0));
  }

  /** Takes the numbers of other weights, of at most this rank, and zeros beyond. */
  void take(LoraWeights other) {
    clear();
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      a.narrow(0, 0, other.rank()).copyInPlace(other.a);
      b.narrow(1, 0, other.rank()).copyInPlace(other.b);
      bias.ifPresent(own -> own.copyInPlace(other.bias.orElseThrow()));
      magnitude.ifPresent(own -> own.copyInPlace(other.magnitude.orElseThrow()));
    }
  }

  /** Makes the update zero. */
  void clear() {
    try (NoGrad noGrad = NoGrad.open()) {
      a.fillInPlace(0);
      b.fillInPlace(0);
      bias.ifPresent(own -> own.fillInPlace(0));
    }
  }

  /** The part of the first ranks, in the caller's scope. */
  LoraWeights first(int ranks) {
    return new LoraWeights(
        a.detach().narrow(0, 0, ranks),
        b.detach().narrow(1, 0, ranks).contiguous(),
        bias,
        magnitude,
        start,
        rounded);
  }

  /** Shows what learns, each with its name in the files of PEFT. */
  void forEach(String module, BiConsumer<String, Tensor> visitor) {
    visitor.accept(module + A, a);
    visitor.accept(module + B, b);
    bias.ifPresent(own -> visitor.accept(module + B_BIAS, own));
    magnitude.ifPresent(own -> visitor.accept(module + MAGNITUDE, own));
  }

  LoraWeights requiresGrad(boolean required) {
    forEach("", (name, tensor) -> tensor.requiresGrad(required));
    return this;
  }

  @Override
  public void close() {
    forEach("", (name, tensor) -> tensor.close());
    start.ifPresent(LoraWeights::close);
    rounded.ifPresent(QuantizedLinear::close);
  }
}
