package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.BiConsumer;

/**
 * A frozen linear layer whose output, or input in the MLP, is multiplied by a vector (Liu et al.,
 * 2022).
 *
 * @param base borrowed
 * @param vector float32, {@code [out, 1]} for the output or {@code [1, in]} for the input; owned
 * @param feedforward whether the input is scaled
 */
record Ia3Linear(LinearLayer base, Tensor vector, boolean feedforward) implements LinearLayer {

  static final String SUFFIX = ".ia3_l";

  /** The shape of a layer's vector. */
  static long[] shape(LinearLayer layer, boolean feedforward) {
    return feedforward ? new long[] {1, layer.inFeatures()} : new long[] {layer.outFeatures(), 1};
  }

  @Override
  public String name() {
    return base.name();
  }

  @Override
  public int inFeatures() {
    return base.inFeatures();
  }

  @Override
  public int outFeatures() {
    return base.outFeatures();
  }

  @Override
  public DType dtype() {
    return base.dtype();
  }

  @Override
  public Device device() {
    return base.device();
  }

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      return scope.handOver(
          feedforward ? base.forward(scaled(x), context) : scaled(base.forward(x, context)));
    }
  }

  private Tensor scaled(Tensor x) {
    return x.mul(vector.view(vector.numel())).to(x.dtype());
  }

  /**
   * A dense layer with the vector inside, for the caller to close.
   *
   * @param safe whether to refuse a result that is not finite
   */
  DenseLinear unloaded(boolean safe) {
    if (!(base instanceof DenseLinear dense)) {
      throw new LoraException(
          name()
              + ": an adapter can be merged into a dense weight only, found "
              + base.getClass().getSimpleName());
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open();
        DenseLinear withOldBias = withScaledWeight(dense, safe)) {
      if (feedforward || dense.bias().isEmpty()) {
        return withOldBias.share();
      }
      Tensor wide = dense.bias().get().to(DType.F32).mul(vector.view(vector.numel()));
      try (Tensor bias = Unloaded.parameter(name() + ".bias", wide, dense.dtype(), safe)) {
        return withOldBias.withBias(bias).share();
      }
    }
  }

  private DenseLinear withScaledWeight(DenseLinear dense, boolean safe) {
    Tensor wide = dense.weight().to(DType.F32).mul(vector); // rows, or columns
    try (Tensor weight = Unloaded.parameter(name() + ".weight", wide, dense.dtype(), safe)) {
      return dense.withWeight(weight);
    }
  }

  /** Refused: an adapter has one owner. */
  @Override
  public LinearLayer share() {
    throw new UnsupportedOperationException(
        name() + ": a layer with an adapter can't be shared; merge it first.");
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    base.forEachParameter(visitor);
    visitor.accept(name() + SUFFIX, vector);
  }

  @Override
  public void close() {
    vector.close();
  }
}
