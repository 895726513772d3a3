package io.github.lora4j.peft;

import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer that is trained as a whole: a copy of it that takes part in place of the original,
 * which stays as it is; PEFT's {@code ModulesToSaveWrapper}.
 *
 * <p>The copy is float32 whatever the original's dtype, so that small steps aren't lost, and is
 * rounded to that dtype where it is used. The original is borrowed, the copy owned.
 */
final class TrainedCopy implements LinearLayer, LayerPart {

  private static final String WEIGHT = ".weight";
  private static final String BIAS = ".bias";

  private final DenseLinear original;
  private final Weights copy;

  /** The copy in the original's dtype, where it doesn't change. */
  private @Nullable DenseLinear settled;

  TrainedCopy(DenseLinear original, Weights copy) {
    this.original = original;
    this.copy = copy;
    this.settled = copy.learns() ? null : settled();
  }

  /**
   * What is trained, as the checkpoint stores it, float32.
   *
   * @param weight {@code [out, in]}, or {@code [in, out]} where the layer is stored so
   * @param bias {@code [out]}, where there is one
   */
  record Weights(Tensor weight, Optional<Tensor> bias) implements AutoCloseable {
    Weights requiresGrad(boolean required) {
      weight.requiresGrad(required);
      bias.ifPresent(b -> b.requiresGrad(required));
      return this;
    }

    boolean learns() {
      return weight.requiresGrad();
    }

    /** Shows each with its name in the files of PEFT. */
    void forEach(String module, BiConsumer<String, Tensor> visitor) {
      visitor.accept(module + WEIGHT, weight);
      bias.ifPresent(b -> visitor.accept(module + BIAS, b));
    }

    @Override
    public void close() {
      weight.close();
      bias.ifPresent(Tensor::close);
    }
  }

  @Override
  public String name() {
    return original.name();
  }

  @Override
  public int inFeatures() {
    return original.inFeatures();
  }

  @Override
  public int outFeatures() {
    return original.outFeatures();
  }

  @Override
  public DType dtype() {
    return original.dtype();
  }

  @Override
  public Device device() {
    return original.device();
  }

  /** Looks at the copy again after its numbers were exchanged. */
  void refresh() {
    if (settled != null) {
      settled.close();
      settled = settled();
    }
  }

  @Override
  public void requiresGrad(boolean required) {
    if (copy.learns() == required) {
      return;
    }
    copy.requiresGrad(required);
    if (settled != null) {
      settled.close();
    }
    settled = required ? null : settled();
  }

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    if (settled != null) {
      return settled.forward(x, context);
    }
    try (TensorScope scope = TensorScope.open()) {
      DType dtype = x.dtype();
      Tensor stored = copy.weight().to(dtype);
      Tensor weight = original.isInputFirst() ? stored.transpose(0, 1) : stored;
      return scope.handOver(
          copy.bias().isPresent()
              ? Functional.linear(x, weight, copy.bias().get().to(dtype))
              : Functional.linear(x, weight));
    }
  }

  /**
   * A dense layer with what was learnt, in the original's dtype.
   *
   * @param safe whether to refuse numbers that are not finite
   * @return the layer, for the caller to close
   */
  DenseLinear mergedLayer(boolean safe) {
    return layer((name, parameter) -> Unloaded.parameter(name, parameter, dtype(), safe));
  }

  private DenseLinear settled() {
    return layer(
        (name, parameter) -> {
          try (TensorScope scope = TensorScope.open();
              NoGrad noGrad = NoGrad.open()) {
            return TensorScope.keep(parameter.detach().to(dtype()));
          }
        });
  }

  /** A dense layer of what is made of the parameters. */
  private DenseLinear layer(BiFunction<String, Tensor, Tensor> made) {
    Tensor weight = made.apply(name() + WEIGHT, copy.weight());
    Optional<Tensor> bias = copy.bias().map(b -> made.apply(name() + BIAS, b));
    return original.isInputFirst()
        ? DenseLinear.ofInputFirst(name(), weight, bias)
        : new DenseLinear(name(), weight, bias);
  }

  /** Refused: an adapter has one owner; merge it to get a layer of its own. */
  @Override
  public LinearLayer share() {
    throw new UnsupportedOperationException(
        name() + ": a layer of an adapter can't be shared; merge it first.");
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    original.forEachParameter(visitor);
    forEachParameter(name(), visitor);
  }

  @Override
  public void forEachParameter(String module, BiConsumer<String, Tensor> visitor) {
    copy.forEach(module + ".modules_to_save", visitor);
  }

  @Override
  public void forEachSaved(String module, BiConsumer<String, Tensor> visitor) {
    copy.forEach(module, visitor);
  }

  /** Frees the copy, not the original. */
  @Override
  public void close() {
    if (settled != null) {
      settled.close();
      settled = null;
    }
    copy.close();
  }
}
