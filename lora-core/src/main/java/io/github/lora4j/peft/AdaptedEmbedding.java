package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.Embedding;
import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A frozen table with adapters: low-rank updates beside it, rows of some tokens, or copies trained
 * in its place.
 */
final class AdaptedEmbedding implements EmbeddingLayer, AdaptedLayer {

  private static final String WEIGHT = ".weight";

  private final EmbeddingLayer base;
  private final AdapterSwitch enabled;
  private final Map<String, EmbeddingUpdate> updates = new LinkedHashMap<>();
  private final Map<String, TokenRows> tokens = new LinkedHashMap<>();
  private final Map<String, Tensor> copies = new LinkedHashMap<>();
  private volatile List<String> active = List.of();
  private volatile List<String> inside = List.of();
  private volatile @Nullable Embedding merged;

  AdaptedEmbedding(EmbeddingLayer base, AdapterSwitch enabled) {
    this.base = base;
    this.enabled = enabled;
  }

  /**
   * The numbers of a table.
   *
   * @throws LoraException if it isn't a plain one
   */
  static Tensor table(EmbeddingLayer layer) {
    if (layer instanceof Embedding plain) {
      return plain.weight();
    }
    throw new LoraException(
        layer.name() + ": expected a plain table, found " + layer.getClass().getSimpleName());
  }

  void put(String adapter, EmbeddingUpdate update) {
    updates.put(adapter, update);
  }

  void put(String adapter, TokenRows rows) {
    tokens.put(adapter, rows);
  }

  /** Puts a copy of the table, float32, in its place. */
  void put(String adapter, Tensor copy) {
    copies.put(adapter, copy);
  }

  EmbeddingLayer base() {
    return base;
  }

  boolean isEnabled() {
    return enabled.isOn();
  }

  List<String> active() {
    return active;
  }

  Map<String, TokenRows> tokens() {
    return tokens;
  }

  Map<String, Tensor> copies() {
    return copies;
  }

  Map<String, EmbeddingUpdate> updates() {
    return updates;
  }

  // ---- computing

  @Override
  public Tensor forward(Tensor ids, ForwardContext context) {
    if (!enabled.isOn()) {
      return base.forward(ids, context);
    }
    Embedding whole = merged;
    return whole != null ? whole.forward(ids, context) : forward(ids, context, active);
  }

  /** Computes as if these adapters were the active ones. */
  Tensor forward(Tensor ids, ForwardContext context, List<String> adapters) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor y = null;
      for (String adapter : adapters) {
        if (copies.containsKey(adapter)) {
          y = Functional.embedding(ids, copies.get(adapter)).to(base.dtype());
        }
      }
      if (y == null) {
        y = base.forward(ids, context);
      }
      for (String adapter : adapters) {
        if (updates.containsKey(adapter)) {
          y = updates.get(adapter).add(y, ids, base);
        }
        if (tokens.containsKey(adapter)) {
          y = tokens.get(adapter).replace(y, ids);
        }
      }
      return scope.handOver(y.to(base.dtype()));
    }
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
    Set<String> all = new LinkedHashSet<>(updates.keySet());
    all.addAll(tokens.keySet());
    all.addAll(copies.keySet());
    return all;
  }

  @Override
  public Set<String> replacing() {
    return copies.keySet();
  }

  @Override
  public void activate(List<String> adapters) {
    active = adapters.stream().filter(adapters()::contains).toList();
  }

  @Override
  public void scale(String adapter, double factor) {
    if (updates.containsKey(adapter)) {
      updates.get(adapter).factor(factor);
    }
  }

  @Override
  public double scale(String adapter) {
    return updates.containsKey(adapter) ? updates.get(adapter).factor() : 1;
  }

  @Override
  public void requiresGrad(String adapter, boolean required) {
    forEachParameter(adapter, parameter -> parameter.requiresGrad(required));
  }

  @Override
  public void remove(String adapter) {
    active = active.stream().filter(name -> !name.equals(adapter)).toList();
    if (updates.containsKey(adapter)) {
      updates.remove(adapter).close();
    }
    if (tokens.containsKey(adapter)) {
      tokens.remove(adapter).close();
    }
    if (copies.containsKey(adapter)) {
      copies.remove(adapter).close();
    }
  }

  @Override
  public void rename(String adapter, String name) {
    active = active.stream().map(n -> n.equals(adapter) ? name : n).toList();
    Renaming.rename(updates, adapter, name);
    Renaming.rename(tokens, adapter, name);
    Renaming.rename(copies, adapter, name);
  }

  // ---- merging

  @Override
  public void merge(List<String> adapters, boolean safe) {
    Embedding old = merged;
    merged = mergedLayer(adapters, safe);
    inside = adapters.stream().filter(adapters()::contains).toList();
    if (old != null) {
      old.close();
    }
  }

  @Override
  public void unmerge() {
    Embedding old = merged;
    merged = null;
    if (old != null) {
      old.close();
    }
  }

  @Override
  public boolean isMerged() {
    return merged != null;
  }

  /** The adapters that are merged. */
  List<String> inside() {
    return inside;
  }

  /** The merged table that is computed from now; null if none is. */
  @Nullable Embedding merged() {
    return merged;
  }

  /**
   * A plain table with what these adapters learnt, in the base's dtype.
   *
   * @param safe whether to refuse a result that is not finite
   * @return the layer, for the caller to close
   */
  Embedding mergedLayer(List<String> adapters, boolean safe) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor table = table(base).to(DType.F32);
      for (String adapter : adapters) {
        table = copies.containsKey(adapter) ? copies.get(adapter).detach() : table;
      }
      for (String adapter : adapters) {
        if (updates.containsKey(adapter)) {
          table = updates.get(adapter).mergedInto(table);
        }
        if (tokens.containsKey(adapter)) {
          table = tokens.get(adapter).mergedInto(table);
        }
      }
      if (safe && !table.isFinite().all()) {
        throw new LoraException(
            name()
                + ": the merged table holds NaN or infinite numbers; the adapter is damaged or its"
                + " training diverged.");
      }
      return new Embedding(name(), TensorScope.keep(table.to(base.dtype()).copy()));
    }
  }

  // ---- what it is

  @Override
  public int numEmbeddings() {
    return base.numEmbeddings();
  }

  @Override
  public int embeddingDim() {
    return base.embeddingDim();
  }

  @Override
  public DType dtype() {
    return base.dtype();
  }

  @Override
  public Device device() {
    return base.device();
  }

  /** Refused: an adapter has one owner; merge it to get a layer of its own. */
  @Override
  public EmbeddingLayer share() {
    throw new UnsupportedOperationException(
        name() + ": a table with an adapter can't be shared; merge it first.");
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    base.forEachParameter(visitor);
    for (String adapter : adapters()) {
      BiConsumer<String, Tensor> named =
          (key, t) -> visitor.accept(AdapterNames.inModel(key, adapter), t);
      if (updates.containsKey(adapter)) {
        updates.get(adapter).forEach(name(), named);
      }
      if (tokens.containsKey(adapter)) {
        named.accept(name() + TokenRows.KEY, tokens.get(adapter).rows());
      }
      if (copies.containsKey(adapter)) {
        named.accept(name() + ".modules_to_save" + WEIGHT, copies.get(adapter));
      }
    }
  }

  @Override
  public void forEachParameter(String adapter, Consumer<Tensor> visitor) {
    forEachSaved(adapter, (key, tensor) -> visitor.accept(tensor));
  }

  @Override
  public void forEachSaved(String adapter, BiConsumer<String, Tensor> visitor) {
    if (updates.containsKey(adapter)) {
      updates.get(adapter).forEach(name(), visitor);
    }
    if (tokens.containsKey(adapter)) {
      visitor.accept(name() + TokenRows.KEY, tokens.get(adapter).rows());
    }
    if (copies.containsKey(adapter)) {
      visitor.accept(name() + WEIGHT, copies.get(adapter));
    }
  }

  /** Frees the adapters and a merged table, not the base. */
  @Override
  public void close() {
    unmerge();
    active = List.of();
    updates.values().forEach(EmbeddingUpdate::close);
    tokens.values().forEach(TokenRows::close);
    copies.values().forEach(Tensor::close);
  }
}
