package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.Norm;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A frozen norm with copies of its parameters, or of its bias alone, that adapters train. */
final class AdaptedNorm implements Norm, AdaptedLayer {

  private final Norm base;
  private final AdapterSwitch enabled;
  private final Map<String, Copy> copies = new LinkedHashMap<>();
  private volatile @Nullable Copy active;
  private volatile @Nullable Norm merged;

  AdaptedNorm(Norm base, AdapterSwitch enabled) {
    this.base = base;
    this.enabled = enabled;
  }

  /**
   * What one adapter trains here.
   *
   * @param parameters by their names in the checkpoint
   * @param norm computes with them, and with the base's where there is no copy
   */
  private record Copy(Map<String, Tensor> parameters, Norm norm) {}

  /**
   * Takes copies of parameters, float32.
   *
   * @param parameters by their names in the checkpoint
   */
  void put(String adapter, Map<String, Tensor> parameters) {
    copies.put(adapter, new Copy(parameters, base.with(name(), replacing(parameters))));
  }

  private UnaryOperator<Tensor> replacing(Map<String, Tensor> parameters) {
    List<Tensor> before = new ArrayList<>();
    List<Tensor> after = new ArrayList<>();
    base.forEachParameter(
        (name, parameter) -> {
          before.add(parameter);
          after.add(parameters.getOrDefault(name, parameter));
        });
    // By identity: parameters that are equal in their numbers are not the same.
    return parameter -> {
      for (int i = 0; i < before.size(); i++) {
        if (before.get(i) == parameter) {
          return after.get(i);
        }
      }
      throw new IllegalStateException(name() + ": a parameter that the norm doesn't show");
    };
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
    Copy copy = active;
    return copy == null ? base.forward(x) : copy.norm().forward(x);
  }

  /** Computes as if one adapter were the active one. */
  Tensor forward(Tensor x, String adapter) {
    return copies.containsKey(adapter) ? copies.get(adapter).norm().forward(x) : base.forward(x);
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
    return Set.copyOf(copies.keySet());
  }

  @Override
  public Map<String, Object> replacing() {
    return Collections.unmodifiableMap(copies);
  }

  @Override
  public void activate(List<String> adapters) {
    active =
        adapters.stream().filter(copies::containsKey).map(copies::get).findFirst().orElse(null);
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
    forEachParameter(adapter, parameter -> parameter.requiresGrad(required));
  }

  @Override
  public void remove(String adapter) {
    Copy copy = copies.remove(adapter);
    if (copy != null) {
      if (active == copy) {
        active = null;
      }
      copy.parameters().values().forEach(Tensor::close);
    }
  }

  @Override
  public void rename(String adapter, String name) {
    Renaming.rename(copies, adapter, name);
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
   * @return the layer, for the caller to close
   */
  Norm mergedLayer(List<String> adapters, boolean safe) {
    Map<String, Tensor> learnt = new LinkedHashMap<>();
    adapters.stream()
        .filter(copies::containsKey)
        .forEach(adapter -> learnt.putAll(copies.get(adapter).parameters()));
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Map<String, Tensor> kept = new LinkedHashMap<>();
      base.forEachParameter(
          (name, own) -> {
            Tensor value = learnt.getOrDefault(name, own).detach().to(own.dtype()).copy();
            if (safe && !value.isFinite().all()) {
              throw new LoraException(
                  name
                      + ": what was learnt holds NaN or infinite numbers; the adapter is damaged"
                      + " or its training diverged.");
            }
            kept.put(name, value);
          });
      kept.values().forEach(TensorScope::keep);
      return base.with(name(), replacing(kept));
    }
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
    copies.forEach(
        (adapter, copy) ->
            copy.parameters()
                .forEach(
                    (key, t) ->
                        visitor.accept(
                            AdapterNames.inModel(
                                name() + ".modules_to_save" + key.substring(name().length()),
                                adapter),
                            t)));
  }

  @Override
  public void forEachParameter(String adapter, Consumer<Tensor> visitor) {
    forEachSaved(adapter, (key, tensor) -> visitor.accept(tensor));
  }

  @Override
  public void forEachSaved(String adapter, BiConsumer<String, Tensor> visitor) {
    if (copies.containsKey(adapter)) {
      copies.get(adapter).parameters().forEach(visitor);
    }
  }

  /** Frees the copies, not the base. */
  @Override
  public void close() {
    unmerge();
    active = null;
    copies.values().forEach(copy -> copy.parameters().values().forEach(Tensor::close));
  }
}
