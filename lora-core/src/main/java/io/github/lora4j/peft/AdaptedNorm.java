package io.github.lora4j.peft;

import io.github.lora4j.nn.Norm;
import io.github.lora4j.nn.step.StepNorm;
import io.github.lora4j.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A frozen norm with copies of its parameters, or of its bias alone, that adapters train. */
final class AdaptedNorm implements Norm, AdaptedLayer {

  private final Norm base;
  private final AdapterSwitch enabled;
  private final LayerParts parts = new LayerParts();
  private volatile @Nullable NormCopy active;
  private volatile @Nullable Norm merged;

  AdaptedNorm(Norm base, AdapterSwitch enabled) {
    this.base = base;
    this.enabled = enabled;
  }

  /**
   * Takes copies of parameters, float32.
   *
   * @param parameters by their names in the checkpoint
   */
  void put(String adapter, Map<String, Tensor> parameters) {
    parts.put(adapter, NormCopy.of(base, parameters, ".modules_to_save"));
  }

  private Optional<NormCopy> copy(String adapter) {
    return parts.get(adapter, NormCopy.class);
  }

  @Override
  public Tensor forward(Tensor x) {
    if (!enabled.isOn()) {
      return base.forward(x);
    }
    Norm whole = merged;
    if (whole != null) {
      return whole.forward(x);
    }
    NormCopy copy = active;
    return copy == null ? base.forward(x) : copy.forward(x);
  }

  @Override
  public Optional<StepNorm> step() {
    Norm whole = merged;
    NormCopy copy = active;
    if (!enabled.isOn() || (whole == null && copy == null)) {
      return base.step();
    }
    return whole != null ? whole.step() : Objects.requireNonNull(copy).norm().step();
  }

  /** Computes as if one adapter were the active one. */
  Tensor forward(Tensor x, String adapter) {
    return copy(adapter).<Norm>map(own -> own).orElse(base).forward(x);
  }

  // ---- adapters

  @Override
  public String name() {
    return base.name();
  }

  @Override
  public String baseType() {
    return base.getClass().getSimpleName();
  }

  @Override
  public Set<String> adapters() {
    return parts.adapters();
  }

  @Override
  public Map<String, Object> replacing() {
    Map<String, Object> found = new LinkedHashMap<>();
    adapters().forEach(adapter -> copy(adapter).ifPresent(own -> found.put(adapter, own)));
    return found;
  }

  @Override
  public void activate(List<String> adapters) {
    active = parts.of(adapters, NormCopy.class).stream().findFirst().orElse(null);
  }

  @Override
  public void scale(String adapter, double factor) {
    // There is no update here to be scaled.
  }

  @Override
  public double scale(String adapter) {
    return 1;
  }

  @Override
  public void requiresGrad(String adapter, boolean required) {
    parts.forEach(adapter, part -> part.requiresGrad(required));
  }

  @Override
  public void remove(String adapter) {
    if (copy(adapter).filter(own -> own == active).isPresent()) {
      active = null;
    }
    parts.remove(adapter);
  }

  @Override
  public void rename(String adapter, String name) {
    parts.rename(adapter, name);
  }

  // ---- merging

  @Override
  public void merge(List<String> adapters, boolean safe) {
    Norm old = merged;
    merged = mergedLayer(adapters, safe);
    if (old != null) {
      old.close();
    }
  }

  @Override
  public void unmerge() {
    Norm old = merged;
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
   * A norm with what these adapters learnt, in the base's dtype.
   *
   * @param adapters of which one has a copy here
   * @return the layer, for the caller to close
   */
  Norm mergedLayer(List<String> adapters, boolean safe) {
    return parts.of(adapters, NormCopy.class).get(0).merged(safe);
  }

  // ---- parameters

  @Override
  public Norm with(String other, UnaryOperator<Tensor> parameters) {
    throw new UnsupportedOperationException(
        name() + ": a norm with an adapter has one place; merge it first.");
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    base.forEachParameter(visitor);
    parts.forEachParameter(name(), visitor);
  }

  @Override
  public void forEachParameter(String adapter, Consumer<Tensor> visitor) {
    parts.forEach(adapter, part -> part.forEachParameter(name(), (key, t) -> visitor.accept(t)));
  }

  @Override
  public void forEachSaved(String adapter, BiConsumer<String, Tensor> visitor) {
    parts.forEach(adapter, part -> part.forEachSaved(name(), visitor));
  }

  /** Frees the copies, not the base. */
  @Override
  public void close() {
    unmerge();
    active = null;
    parts.close();
  }
}
