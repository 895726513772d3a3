package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.BiasedLinear;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.JoiningLinear;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.nn.step.StepLinear;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
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
 * A frozen linear layer with adapters: low-rank updates beside it, copies of it or of its bias
 * trained in their place, rows of it for some tokens.
 *
 * <p>Several adapters can be active at once; their updates add up. At most one of the active ones
 * can have a copy of the layer.
 */
final class AdaptedLinear implements JoiningLinear, AdaptedLayer {

  private final LinearLayer base;
  private final AdapterSwitch enabled;
  private final LayerParts parts = new LayerParts();
  private volatile LinearLayer root;
  private volatile List<LoraUpdate> active = List.of();
  private volatile List<TokenRows> activeTokens = List.of();
  private volatile @Nullable LinearLayer merged;

  AdaptedLinear(LinearLayer base, AdapterSwitch enabled) {
    this.base = base;
    this.root = base;
    this.enabled = enabled;
  }

  void put(String adapter, LayerPart part) {
    parts.put(adapter, part);
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

  /** What the adapters have here. */
  LayerParts parts() {
    return parts;
  }

  /** The update of an adapter, if it has one here. */
  Optional<LoraUpdate> update(String adapter) {
    return parts.get(adapter, LoraUpdate.class);
  }

  /** The adapter's copy of the layer, if it trains all of it. */
  Optional<TrainedCopy> copy(String adapter) {
    return parts.get(adapter, TrainedCopy.class);
  }

  // ---- computing

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    if (!enabled.isOn()) {
      return base.forward(x, context);
    }
    LinearLayer whole = merged;
    if (whole != null) {
      return whole.forward(x, context);
    }
    LinearLayer below = root;
    List<LoraUpdate> all = active;
    List<TokenRows> rows = activeTokens;
    if (all.isEmpty() && rows.isEmpty()) {
      return below.forward(x, context);
    }
    try (TensorScope scope = TensorScope.open()) {
      return scope.handOver(add(below.forward(x, context), x, context, below, all, rows));
    }
  }

  /** As the adapters are that are active now. */
  @Override
  public Optional<StepLinear> step(StepPart part, int pieces) {
    if (!enabled.isOn()) {
      return base.step(part, pieces);
    }
    LinearLayer whole = merged;
    if (whole != null) {
      return whole.step(part, pieces);
    }
    if (!activeTokens.isEmpty()) {
      return Optional.empty();
    }
    List<LoraUpdate> all = active;
    Optional<StepLinear> below = root.step(part, pieces);
    if (below.isPresent() && !all.stream().allMatch(update -> update.addTo(below.get()))) {
      below.get().close();
      return Optional.empty();
    }
    return below;
  }

  @Override
  public List<Tensor> forwardAll(List<LinearLayer> layers, Tensor x, ForwardContext context) {
    return JointUpdate.forward(layers, x, context);
  }

  /**
   * What a layer does at the moment, where that is no more than one product beside another.
   *
   * @param below gives what the update is added to
   */
  record OneUpdate(LinearLayer below, LoraUpdate update) {}

  /** The only update of this pass, if it reads the very input of the layer. */
  Optional<OneUpdate> oneUpdate(ForwardContext context) {
    List<LoraUpdate> all = active;
    return enabled.isOn()
            && merged == null
            && all.size() == 1
            && activeTokens.isEmpty()
            && all.get(0).isProductOfInput(context)
        ? Optional.of(new OneUpdate(root, all.get(0)))
        : Optional.empty();
  }

  private Tensor add(
      Tensor y,
      Tensor x,
      ForwardContext context,
      LinearLayer below,
      List<LoraUpdate> updates,
      List<TokenRows> rows) {
    Tensor sum = y;
    for (LoraUpdate update : updates) {
      sum = update.add(sum, x, below, context);
    }
    for (TokenRows row : rows) {
      sum =
          row.rescore(sum, x, BaseWeights.weight(below instanceof QuantizedLinear ? below : base));
    }
    // Plain operations may widen; like PEFT, the sum of all is rounded once.
    return sum.dtype() == y.dtype() ? sum : sum.to(y.dtype());
  }

  /**
   * What one adapter makes of the base's output, whichever are active.
   *
   * @param y what the base made of {@code x}, overwritten
   */
  Tensor adapt(Tensor y, Tensor x, ForwardContext context, String adapter) {
    LinearLayer below = below(adapter);
    return add(
        below == base ? y : below.forward(x, context),
        x,
        context,
        below,
        update(adapter).stream().toList(),
        parts.get(adapter, TokenRows.class).stream().toList());
  }

  /** What an adapter's updates stand beside. */
  private LinearLayer below(String adapter) {
    Optional<TrainedCopy> copy = copy(adapter);
    if (copy.isPresent()) {
      return copy.get();
    }
    LinearLayer own =
        parts
            .get(adapter, StoredTable.class)
            .<LinearLayer>map(StoredTable::layer)
            .or(() -> rounded(adapter).map(LinearLayer.class::cast))
            .orElse(base);
    Optional<TrainedBias> bias = parts.get(adapter, TrainedBias.class);
    return bias.isPresent() ? ((BiasedLinear) own).withBias(bias.get().bias()) : own;
  }

  /** The layer with a weight in few bits that an adapter's beginning put in the base's place. */
  Optional<QuantizedLinear> rounded(String adapter) {
    return update(adapter).flatMap(update -> update.weights().rounded());
  }

  @Override
  public Map<String, Object> replacing() {
    Map<String, Object> found = new LinkedHashMap<>();
    for (String adapter : adapters()) {
      parts.get(adapter, StoredTable.class).ifPresent(own -> found.put(adapter, own.origin()));
      rounded(adapter).ifPresent(own -> found.put(adapter, own));
      parts.get(adapter, TrainedBias.class).ifPresent(own -> found.put(adapter, own));
      copy(adapter).ifPresent(own -> found.put(adapter, own));
    }
    return found;
  }

  /** Whether these adapters change the layer beyond bringing another base's table. */
  boolean isChangedBy(List<String> adapters) {
    return adapters.stream()
        .anyMatch(
            adapter ->
                update(adapter).isPresent()
                    || parts.get(adapter, TokenRows.class).isPresent()
                    || parts.get(adapter, TrainedBias.class).isPresent()
                    || copy(adapter).isPresent());
  }

  // ---- adapters

  @Override
  public String baseType() {
    return base.getClass().getSimpleName();
  }

  @Override
  public Set<String> adapters() {
    return parts.adapters();
  }

  @Override
  public void activate(List<String> adapters) {
    active = parts.of(adapters, LoraUpdate.class);
    activeTokens = parts.of(adapters, TokenRows.class);
    root =
        adapters.stream()
            .filter(replacing()::containsKey)
            .findFirst()
            .map(this::below)
            .orElse(base);
  }

  @Override
  public void scale(String adapter, double factor) {
    update(adapter).ifPresent(update -> update.factor(factor));
  }

  @Override
  public double scale(String adapter) {
    return update(adapter).map(LoraUpdate::factor).orElse(1.0);
  }

  @Override
  public void requiresGrad(String adapter, boolean required) {
    parts.forEach(adapter, part -> part.requiresGrad(required));
  }

  @Override
  public void remove(String adapter) {
    parts.remove(adapter);
  }

  @Override
  public void rename(String adapter, String name) {
    parts.rename(adapter, name);
  }

  // ---- merging

  @Override
  public void merge(List<String> adapters, boolean safe) {
    LinearLayer old = merged;
    merged = mergedLayer(adapters, safe, QuantizedMerge.refuse());
    if (old != null) {
      old.close();
    }
  }

  @Override
  public void unmerge() {
    LinearLayer old = merged;
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
   * A layer with {@code W + scaling * B A}, computed in float32 and rounded once to the base's
   * dtype.
   *
   * @param adapters those to merge
   * @param safe whether to refuse a result that is not finite
   * @param quantized what becomes of a quantized weight
   * @return the layer, for the caller to close
   */
  LinearLayer mergedLayer(List<String> adapters, boolean safe, QuantizedMerge quantized) {
    for (String adapter : adapters) {
      Optional<TrainedCopy> copy = copy(adapter);
      if (copy.isPresent()) {
        try (DenseLinear merged = copy.get().mergedLayer(safe)) {
          return mergedInto(merged, adapters, safe);
        }
      }
    }
    List<StoredTable> own = parts.of(adapters, StoredTable.class);
    if (!own.isEmpty()) {
      return mergedInto(own.get(0).layer(), adapters, safe);
    }
    Optional<QuantizedLinear> rounded =
        adapters.stream().flatMap(adapter -> rounded(adapter).stream()).findFirst();
    if (base instanceof QuantizedLinear few) {
      return quantized.merged(rounded.orElse(few), dense -> mergedInto(dense, adapters, safe));
    }
    if (!(base instanceof DenseLinear dense)) {
      throw new LoraException(
          name()
              + ": an adapter can be merged into a dense weight only, found "
              + base.getClass().getSimpleName());
    }
    if (rounded.isEmpty()) {
      return mergedInto(dense, adapters, safe);
    }
    try (DenseLinear below = roundedBase(dense, rounded.get())) {
      return mergedInto(below, adapters, safe);
    }
  }

  /** What an adapter's beginning left of the base, if it changed it, for the caller to close. */
  Optional<LinearLayer> rest(String adapter) {
    Optional<QuantizedLinear> rounded = rounded(adapter);
    if (rounded.isPresent()) {
      return Optional.of(
          base instanceof DenseLinear dense
              ? roundedBase(dense, rounded.get())
              : rounded.get().share());
    }
    if (update(adapter).isEmpty() || !(base instanceof DenseLinear dense)) {
      return Optional.empty();
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      return update(adapter)
          .orElseThrow()
          .rest(dense.weight())
          .map(weight -> dense.withWeight(weight.to(dense.dtype())));
    }
  }

  /** A dense layer with the numbers of a rounded one, for the caller to close. */
  private static DenseLinear roundedBase(DenseLinear base, QuantizedLinear rounded) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      return base.withWeight(rounded.denseWeight(base.dtype()));
    }
  }

  private DenseLinear mergedInto(DenseLinear dense, List<String> adapters, boolean safe) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor sum = dense.weight().to(DType.F32);
      Optional<Tensor> bias = dense.bias();
      for (TrainedBias own : parts.of(adapters, TrainedBias.class)) {
        bias = Optional.of(own.bias().detach());
      }
      for (String adapter : adapters) {
        Optional<LoraUpdate> update = update(adapter);
        if (update.isPresent()) {
          sum = update.get().mergedInto(sum);
          bias = update.get().mergedIntoBias(name(), bias);
        }
        for (TokenRows rows : parts.of(List.of(adapter), TokenRows.class)) {
          sum = rows.mergedInto(sum);
        }
      }
      Tensor weight = sum.to(dense.dtype());
      if (safe && !weight.isFinite().all()) {
        throw new LoraException(
            name()
                + ": the merged weight holds NaN or infinite numbers; the adapter is damaged or its"
                + " training diverged.");
      }
      if (bias.equals(dense.bias())) {
        return dense.withWeight(weight);
      }
      Optional<Tensor> rounded = bias.map(b -> TensorScope.keep(b.to(dense.dtype()).copy()));
      return dense.isInputFirst()
          ? DenseLinear.ofInputFirst(
              name(), TensorScope.keep(weight.transpose(0, 1).contiguous()), rounded)
          : new DenseLinear(name(), TensorScope.keep(weight.alias()), rounded);
    }
  }

  // ---- parameters

  /** Refused: an adapter has one owner; merge it to get a layer of its own. */
  @Override
  public LinearLayer share() {
    throw new UnsupportedOperationException(
        name() + ": a layer with an adapter can't be shared; merge it first.");
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

  /** Frees the adapters and a merged weight, not the base. */
  @Override
  public void close() {
    unmerge();
    active = List.of();
    root = base;
    parts.close();
  }
}
