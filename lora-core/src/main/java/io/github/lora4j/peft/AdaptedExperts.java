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
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Frozen experts with low-rank updates beside each: PEFT's {@code ParamWrapper} around a parameter
 * of all experts.
 *
 * <p>A and B are float32 as {@link LoraUpdate} has them. PEFT adds the updates into the parameter
 * before each product; here they go beside it. The updates of several active adapters add up.
 */
final class AdaptedExperts implements ExpertLinear, AdaptedLayer {

  private final ExpertLinear base;
  private final AdapterSwitch enabled;
  private final Map<String, Part> parts = new LinkedHashMap<>();
  private volatile List<Part> active = List.of();
  private volatile @Nullable StackedLinear merged;

  AdaptedExperts(ExpertLinear base, AdapterSwitch enabled) {
    this.base = base;
    this.enabled = enabled;
  }

  /** What one adapter has here. */
  private static final class Part {
    private volatile ExpertTarget target;
    private final LoraWeights weights;
    private volatile double factor = 1;

    Part(ExpertTarget target, LoraWeights weights) {
      this.target = target;
      this.weights = weights;
    }

    ExpertUpdate update(int experts) {
      return new ExpertUpdate(weights, experts, scaling());
    }

    double scaling() {
      return target.scaling() * factor;
    }
  }

  void put(String adapter, ExpertTarget target, LoraWeights weights) {
    parts.put(adapter, new Part(target, weights));
  }

  @Override
  public String name() {
    return base.name();
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

  @Override
  public Pass open(ForwardContext context) {
    if (!enabled.isOn()) {
      return base.open(context);
    }
    StackedLinear whole = merged;
    if (whole != null) {
      return whole.open(context);
    }
    Pass frozen = base.open(context);
    List<ExpertUpdate> updates = active.stream().map(part -> part.update(experts())).toList();
    if (updates.isEmpty()) {
      return frozen;
    }
    return (expert, x) -> {
      try (TensorScope scope = TensorScope.open()) {
        Tensor y = frozen.apply(expert, x);
        for (ExpertUpdate update : updates) {
          y = update.add(y, x, expert);
        }
        return scope.handOver(y);
      }
    };
  }

  // ---- adapters

  @Override
  public String baseType() {
    return base.getClass().getSimpleName();
  }

  @Override
  public Set<String> adapters() {
    return Collections.unmodifiableSet(parts.keySet());
  }

  @Override
  public Map<String, Object> replacing() {
    return Map.of();
  }

  @Override
  public void activate(List<String> adapters) {
    active = adapters.stream().filter(parts::containsKey).map(parts::get).toList();
  }

  @Override
  public void scale(String adapter, double factor) {
    if (parts.containsKey(adapter)) {
      parts.get(adapter).factor = factor;
    }
  }

  @Override
  public double scale(String adapter) {
    return parts.containsKey(adapter) ? parts.get(adapter).factor : 1;
  }

  @Override
  public void requiresGrad(String adapter, boolean required) {
    if (parts.containsKey(adapter)) {
      parts.get(adapter).weights.requiresGrad(required);
    }
  }

  @Override
  public void remove(String adapter) {
    if (parts.containsKey(adapter)) {
      parts.remove(adapter).weights.close();
    }
  }

  @Override
  public void rename(String adapter, String name) {
    Renaming.rename(parts, adapter, name);
  }

  /**
   * Takes the numbers of other weights into an adapter's.
   *
   * @param other of the same shape; empty for an update that changes nothing
   */
  void swap(String adapter, Optional<ExpertTarget> target, Optional<LoraWeights> other) {
    Part part = Objects.requireNonNull(parts.get(adapter), adapter);
    other.ifPresentOrElse(part.weights::take, part.weights::clear);
    target.ifPresent(t -> part.target = t);
    part.factor = 1;
  }

  LoraWeights weights(String adapter) {
    return Objects.requireNonNull(parts.get(adapter), adapter).weights;
  }

  // ---- merging

  @Override
  public void merge(List<String> adapters, boolean safe) {
    StackedLinear old = merged;
    merged = mergedLayer(adapters, safe);
    if (old != null) {
      old.close();
    }
  }

  @Override
  public void unmerge() {
    StackedLinear old = merged;
    merged = null;
    if (old != null) {
      old.close();
    }
  }

  @Override
  public boolean isMerged() {
    return merged != null;
  }

  /**
   * Experts with {@code W + scaling * B A}, computed in float32 and rounded once to the base's
   * dtype, one expert at a time.
   *
   * @param adapters those to merge
   * @param safe whether to refuse a result that is not finite
   * @return the layer, for the caller to close
   */
  StackedLinear mergedLayer(List<String> adapters, boolean safe) {
    if (!(base instanceof StackedLinear stacked)) {
      throw new LoraException(
          name()
              + ": an adapter can be merged into plain weights only, found "
              + base.getClass().getSimpleName());
    }
    List<Part> chosen = adapters.stream().filter(parts::containsKey).map(parts::get).toList();
    try (NoGrad noGrad = NoGrad.open()) {
      Tensor weight = stacked.weight();
      Tensor sum = TensorScope.keep(Tensor.empty(weight.dtype(), weight.device(), weight.shape()));
      try {
        for (int expert = 0; expert < experts(); expert++) {
          mergeExpert(expert, chosen, weight, sum, safe);
        }
        return new StackedLinear(name(), sum);
      } catch (RuntimeException | Error e) {
        sum.close();
        throw e;
      }
    }
  }

  private void mergeExpert(int expert, List<Part> chosen, Tensor weight, Tensor sum, boolean safe) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor whole = weight.select(0, expert).to(DType.F32);
      for (Part part : chosen) {
        ExpertUpdate update = part.update(experts());
        Tensor b = update.ofB(part.weights.b(), expert);
        Tensor a = update.ofA(part.weights.a(), expert);
        whole = whole.add(b.matmul(a).mul(part.scaling()));
      }
      Tensor own = sum.select(0, expert);
      own.copyInPlace(whole);
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

  // ---- parameters

  /** Refused: an adapter has one owner; merge it to get a layer of its own. */
  @Override
  public ExpertLinear share() {
    throw new UnsupportedOperationException(
        name() + ": experts with an adapter can't be shared; merge it first.");
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    base.forEachParameter(visitor);
    for (String adapter : parts.keySet()) {
      forEachSaved(adapter, (key, t) -> visitor.accept(AdapterNames.inModel(key, adapter), t));
    }
  }

  @Override
  public void forEachParameter(String adapter, Consumer<Tensor> visitor) {
    forEachSaved(adapter, (key, t) -> visitor.accept(t));
  }

  @Override
  public void forEachSaved(String adapter, BiConsumer<String, Tensor> visitor) {
    Part part = parts.get(adapter);
    if (part != null) {
      part.weights.forEach(part.target.module(), visitor);
    }
  }

  /** Frees the adapters and merged weights, not the base. */
  @Override
  public void close() {
    unmerge();
    active = List.of();
    parts.values().forEach(part -> part.weights.close());
  }
}
