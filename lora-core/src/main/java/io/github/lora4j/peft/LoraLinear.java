package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A frozen linear layer with a low-rank update beside it: {@code y = base(x) + scaling *
 * B(A(dropout(x)))} (Hu et al., 2021).
 *
 * <p>A and B are float32 whatever the base's dtype, as PEFT keeps them; the sum is rounded to the
 * base's. The base is borrowed, the update owned.
 */
final class LoraLinear implements LinearLayer {

  private final LinearLayer base;
  private final LoraWeights update;
  private final double scaling;
  private final double dropout;
  private final AdapterSwitch enabled;
  private @Nullable DenseLinear merged;

  LoraLinear(
      LinearLayer base, LoraWeights update, double scaling, double dropout, AdapterSwitch enabled) {
    this.base = base;
    this.update = update;
    this.scaling = scaling;
    this.dropout = dropout;
    this.enabled = enabled;
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

  LinearLayer base() {
    return base;
  }

  LoraWeights update() {
    return update;
  }

  boolean isMerged() {
    return merged != null;
  }

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    if (!enabled.isOn()) {
      return base.forward(x, context);
    }
    if (merged != null) {
      return merged.forward(x, context);
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor y = base.forward(x, context);
      if (CustomFunction.available()) {
        return scope.handOver(FusedUpdate.add(y, dropped(x, context), update, scaling));
      }
      Tensor in = dropped(x.to(update.a().dtype()), context);
      // The scaling goes to the thin side: r numbers a row instead of outFeatures.
      Tensor thin = Functional.linear(in, update.a()).mul(scaling);
      return scope.handOver(y.add(Functional.linear(thin, update.b())).to(y.dtype()));
    }
  }

  private Tensor dropped(Tensor x, ForwardContext context) {
    return dropout > 0 && context.isTraining()
        ? Functional.dropout(x, dropout, context.dropout().orElseThrow())
        : x;
  }

  /** Computes from one merged weight from now on; the base's weight stays as it is beside it. */
  void merge(boolean safe) {
    if (merged == null) {
      merged = mergedLayer(safe);
    }
  }

  /** Goes back to the base's own weight, which never changed. */
  void unmerge() {
    if (merged != null) {
      merged.close();
      merged = null;
    }
  }

  /**
   * A dense layer with {@code W + scaling * B A}, computed in float32 and rounded once to the
   * base's dtype.
   *
   * @param safe whether to refuse a result that is not finite
   * @return the layer, for the caller to close
   */
  DenseLinear mergedLayer(boolean safe) {
    if (!(base instanceof DenseLinear dense)) {
      throw new LoraException(
          name()
              + ": an adapter can be merged into a dense weight only, found "
              + base.getClass().getSimpleName());
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor delta = update.b().matmul(update.a()).mul(scaling);
      Tensor weight = dense.weight().to(DType.F32).add(delta).to(dense.dtype());
      if (safe && !weight.isFinite().all()) {
        throw new LoraException(
            name()
                + ": the merged weight holds NaN or infinite numbers; the adapter is damaged or its"
                + " training diverged.");
      }
      return dense.withWeight(weight);
    }
  }

  /** Refused: an adapter has one owner; merge it to get a layer of its own. */
  @Override
  public LinearLayer share() {
    throw new UnsupportedOperationException(
        name() + ": a layer with an adapter can't be shared; merge it first.");
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    base.forEachParameter(visitor);
    visitor.accept(name() + LoraWeights.A, update.a());
    visitor.accept(name() + LoraWeights.B, update.b());
  }

  /** Frees the update and a merged weight, not the base. */
  @Override
  public void close() {
    unmerge();
    update.close();
  }
}
