package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.ExpertLinear;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.StackedLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Frozen experts with a low-rank update beside each: PEFT's {@code ParamWrapper} around a parameter
 * of all experts.
 *
 * <p>A and B are float32 as {@link LoraLinear} has them. PEFT adds the updates into the parameter
 * before each product; here they go beside it. The base is borrowed, the update owned.
 */
final class LoraExperts implements ExpertLinear {

  private final ExpertLinear base;
  private final ExpertTarget target;
  private final LoraWeights update;
  private final AdapterSwitch enabled;
  private @Nullable StackedLinear merged;

  LoraExperts(ExpertLinear base, ExpertTarget target, LoraWeights update, AdapterSwitch enabled) {
    this.base = base;
    this.target = target;
    this.update = update;
    this.enabled = enabled;
  }

  @Override
  public String name() {
    return base.name();
  }

  /** What PEFT calls the adapter. */
  String module() {
    return target.module();
  }

  @Override
  public int experts() {
    return base.experts();
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

  LoraWeights update() {
    return update;
  }

  boolean isMerged() {
    return merged != null;
  }

  @Override
  public Pass open(ForwardContext context) {
    if (!enabled.isOn()) {
      return base.open(context);
    }
    if (merged != null) {
      return merged.open(context);
    }
    Pass frozen = base.open(context);
    ExpertUpdate updates = updates();
    return (expert, x) -> {
      try (TensorScope scope = TensorScope.open()) {
        return scope.handOver(updates.add(frozen.apply(expert, x), x, expert));
      }
    };
  }

  private ExpertUpdate updates() {
    return new ExpertUpdate(update, experts(), target.scaling());
  }

  /** Computes from merged weights from now on; the base's stay as they are beside them. */
  void merge(boolean safe) {
    if (merged == null) {
      merged = mergedLayer(safe);
    }
  }

  /** Goes back to the base's own weights, which never changed. */
  void unmerge() {
    if (merged != null) {
      merged.close();
      merged = null;
    }
  }

  /**
   * Experts with {@code W + scaling * B A}, computed in float32 and rounded once to the base's
   * dtype, one expert at a time.
   *
   * @param safe whether to refuse a result that is not finite
   * @return the layer, for the caller to close
   */
  StackedLinear mergedLayer(boolean safe) {
    if (!(base instanceof StackedLinear stacked)) {
      throw new LoraException(
          name()
              + ": an adapter can be merged into plain weights only, found "
              + base.getClass().getSimpleName());
    }
    try (NoGrad noGrad = NoGrad.open()) {
      ExpertUpdate updates = updates();
      Tensor weight = stacked.weight();
      Tensor sum = TensorScope.keep(Tensor.empty(weight.dtype(), weight.device(), weight.shape()));
      try {
        for (int expert = 0; expert < experts(); expert++) {
          try (TensorScope scope = TensorScope.open()) {
            Tensor b = updates.ofB(update.b(), expert);
            Tensor delta = b.matmul(updates.ofA(update.a(), expert)).mul(target.scaling());
            Tensor own = sum.select(0, expert);
            own.copyInPlace(weight.select(0, expert).to(DType.F32).add(delta));
            if (safe && !own.isFinite().all()) {
              throw new LoraException(
                  name()
                      + ": the merged weight of expert "
                      + expert
                      + " holds NaN or infinite numbers; the adapter is damaged or its training"
                      + " diverged.");
            }
          }
        }
        return new StackedLinear(name(), sum);
      } catch (RuntimeException | Error e) {
        sum.close();
        throw e;
      }
    }
  }

  /** Refused: an adapter has one owner; merge it to get a layer of its own. */
  @Override
  public ExpertLinear share() {
    throw new UnsupportedOperationException(
        name() + ": experts with an adapter can't be shared; merge it first.");
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    base.forEachParameter(visitor);
    visitor.accept(module() + LoraWeights.A, update.a());
    visitor.accept(module() + LoraWeights.B, update.b());
  }

  /** Frees the update and merged weights, not the base. */
  @Override
  public void close() {
    unmerge();
    update.close();
  }
}
