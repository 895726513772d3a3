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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A frozen table with adapters: low-rank updates beside it, rows of some tokens, or copies trained
 * in its place.
 */
final class AdaptedEmbedding implements EmbeddingLayer, AdaptedLayer {

  private final EmbeddingLayer base;
  private final AdapterSwitch enabled;
  private final LayerParts parts = new LayerParts();
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

  void put(String adapter, LayerPart part) {
    parts.put(adapter, part);
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

  /**
   * The numbers that these adapters stand beside: the base's, or what one of their files brings.
   */
  Tensor table(List<String> adapters) {
    List<StoredTable> own = parts.of(adapters, StoredTable.class);
    return own.isEmpty() ? table(base) : own.get(0).layer().weight();
  }

  /** What the adapters have here. */
  LayerParts parts() {
    return parts;
  }

  private Optional<EmbeddingUpdate> update(String adapter) {
    return parts.get(adapter, EmbeddingUpdate.class);
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
      for (TableCopy copy : parts.of(adapters, TableCopy.class)) {
        y = Functional.embedding(ids, copy.table()).to(base.dtype());
      }
      Tensor table = table(adapters);
      if (y == null) {
        y = Functional.embedding(ids, table).to(base.dtype());
      }
      for (String adapter : adapters) {
        for (EmbeddingUpdate update : parts.of(List.of(adapter), EmbeddingUpdate.class)) {
          y = update.add(y, ids, table);
        }
        for (TokenRows rows : parts.of(List.of(adapter), TokenRows.class)) {
          y = rows.replace(y, ids);
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
    return parts.adapters();
  }

  @Override
  public Map<String, Object> replacing() {
    Map<String, Object> found = new LinkedHashMap<>();
    for (String adapter : adapters()) {
      parts.get(adapter, StoredTable.class).ifPresent(own -> found.put(adapter, own.origin()));
      parts.get(adapter, TableCopy.class).ifPresent(own -> found.put(adapter, own));
    }
    return found;
  }

  @Override
  public void activate(List<String> adapters) {
    active = adapters.stream().filter(adapters()::contains).toList();
  }

  @Override
  public void scale(String adapter, double factor) {
    update(adapter).ifPresent(update -> update.factor(factor));
  }

  @Override
  public double scale(String adapter) {
    return update(adapter).map(EmbeddingUpdate::factor).orElse(1.0);
  }

  @Override
  public void requiresGrad(String adapter, boolean required) {
    parts.forEach(adapter, part -> part.requiresGrad(required));
  }

  @Override
  public void remove(String adapter) {
    active = active.stream().filter(name -> !name.equals(adapter)).toList();
    parts.remove(adapter);
  }

  @Override
  public void rename(String adapter, String name) {
    active = active.stream().map(n -> n.equals(adapter) ? name : n).toList();
    parts.rename(adapter, name);
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
      Tensor table = table(adapters).to(DType.F32);
      for (TableCopy copy : parts.of(adapters, TableCopy.class)) {
        table = copy.table().detach();
      }
      for (String adapter : adapters) {
        for (EmbeddingUpdate update : parts.of(List.of(adapter), EmbeddingUpdate.class)) {
          table = update.mergedInto(table);
        }
        for (TokenRows rows : parts.of(List.of(adapter), TokenRows.class)) {
          table = rows.mergedInto(table);
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

  /** Frees the adapters and a merged table, not the base. */
  @Override
  public void close() {
    unmerge();
    active = List.of();
    parts.close();
  }
}
