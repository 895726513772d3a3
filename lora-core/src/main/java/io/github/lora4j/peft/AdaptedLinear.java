package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.BiasedLinear;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ForwardContext;
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
import java.util.LinkedHashSet;
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
final class AdaptedLinear implements LinearLayer, AdaptedLayer {

  private final LinearLayer base;
  private final AdapterSwitch enabled;
  private final Map<String, LoraUpdate> updates = new LinkedHashMap<>();
  private final Map<String, TrainedCopy> copies = new LinkedHashMap<>();
  private final Map<String, Tensor> biases = new LinkedHashMap<>();
  private final Map<String, TokenRows> tokens = new LinkedHashMap<>();
  private volatile LinearLayer root;
  private volatile List<LoraUpdate> active = List.of();
  private volatile List<TokenRows> activeTokens = List.of();
  private volatile @Nullable LinearLayer merged;

  AdaptedLinear(LinearLayer base, AdapterSwitch enabled) {
    this.base = base;
    this.root = base;
    this.enabled = enabled;
  }

  void put(String adapter, LoraUpdate update) {
    updates.put(adapter, update);
  }

  void put(String adapter, TrainedCopy copy) {
    copies.put(adapter, copy);
  }

  /** Puts a copy of the bias, float32, in its place. */
  void put(String adapter, Tensor bias) {
    biases.put(adapter, bias);
  }

  void put(String adapter, TokenRows rows) {
    tokens.put(adapter, rows);
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

  Map<String, LoraUpdate> updates() {
    return updates;
  }

  Map<String, TrainedCopy> copies() {
    return copies;
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
        updates.containsKey(adapter) ? List.of(updates.get(adapter)) : List.of(),
        tokens.containsKey(adapter) ? List.of(tokens.get(adapter)) : List.of());
  }

  /** What an adapter's updates stand beside. */
  private LinearLayer below(String adapter) {
    if (copies.containsKey(adapter)) {
      return copies.get(adapter);
    }
    LinearLayer below = rounded(adapter).map(LinearLayer.class::cast).orElse(base);
    return biases.containsKey(adapter)
        ? ((BiasedLinear) below).withBias(biases.get(adapter))
        : below;
  }

  /** The layer with a weight in few bits that an adapter's beginning put in the base's place. */
  Optional<QuantizedLinear> rounded(String adapter) {
    return updates.containsKey(adapter)
        ? updates.get(adapter).weights().rounded()
        : Optional.empty();
  }

  @Override
  public Set<String> replacing() {
    Set<String> all = new LinkedHashSet<>(copies.keySet());
    all.addAll(biases.keySet());
    updates.keySet().stream().filter(name -> rounded(name).isPresent()).forEach(all::add);
    return all;
  }

  // ---- adapters

  @Override
  public String baseType() {
    return base.getClass().getSimpleName();
  }

  @Override
  public Set<String> adapters() {
    Set<String> all = new LinkedHashSet<>(updates.keySet());
    all.addAll(copies.keySet());
    all.addAll(biases.keySet());
    all.addAll(tokens.keySet());
    return all;
  }

  @Override
  public void activate(List<String> adapters) {
    active = adapters.stream().filter(updates::containsKey).map(updates::get).toList();
    activeTokens = adapters.stream().filter(tokens::containsKey).map(tokens::get).toList();
    root =
        adapters.stream().filter(replacing()::contains).findFirst().map(this::below).orElse(base);
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
    if (updates.containsKey(adapter)) {
      updates.get(adapter).requiresGrad(required);
    }
    if (biases.containsKey(adapter)) {
      biases.get(adapter).requiresGrad(required);
    }
    if (tokens.containsKey(adapter)) {
      tokens.get(adapter).rows().requiresGrad(required);
    }
    if (copies.containsKey(adapter)) {
      copies.get(adapter).requiresGrad(required);
    }
  }

  @Override
  public void remove(String adapter) {
    if (updates.containsKey(adapter)) {
      updates.remove(adapter).close();
    }
    if (copies.containsKey(adapter)) {
      copies.remove(adapter).close();
    }
    if (biases.containsKey(adapter)) {
      biases.remove(adapter).close();
    }
    if (tokens.containsKey(adapter)) {
      tokens.remove(adapter).close();
    }
  }

  @Override
  public void rename(String adapter, String name) {
    Renaming.rename(updates, adapter, name);
    Renaming.rename(copies, adapter, name);
    Renaming.rename(biases, adapter, name);
    Renaming.rename(tokens, adapter, name);
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
      if (copies.containsKey(adapter)) {
        try (DenseLinear copy = copies.get(adapter).mergedLayer(safe)) {
          return mergedInto(copy, adapters, safe);
        }
      }
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
    if (!updates.containsKey(adapter) || !(base instanceof DenseLinear dense)) {
      return Optional.empty();
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      return updates
          .get(adapter)
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
      for (String adapter : adapters) {
        bias = biases.containsKey(adapter) ? Optional.of(biases.get(adapter).detach()) : bias;
      }
      for (String adapter : adapters) {
        if (updates.containsKey(adapter)) {
          sum = updates.get(adapter).mergedInto(sum);
          bias = updates.get(adapter).mergedIntoBias(name(), bias);
        }
        if (tokens.containsKey(adapter)) {
          sum = tokens.get(adapter).mergedInto(sum);
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
    for (String adapter : adapters()) {
      forEachNamed(
          adapter,
          name() + ".modules_to_save",
          (key, t) ->
              visitor.accept(
                  key.equals(name() + ".bias")
                      ? AdapterNames.inModel(name() + ".modules_to_save.bias", adapter)
                      : AdapterNames.inModel(key, adapter),
                  t));
    }
  }

  private void forEachNamed(String adapter, String ofCopy, BiConsumer<String, Tensor> visitor) {
    if (updates.containsKey(adapter)) {
      updates.get(adapter).weights().forEach(name(), visitor);
    }
    if (copies.containsKey(adapter)) {
      copies.get(adapter).weights().forEach(ofCopy, visitor);
    }
    if (biases.containsKey(adapter)) {
      visitor.accept(biasName(adapter), biases.get(adapter));
    }
    if (tokens.containsKey(adapter)) {
      visitor.accept(name() + TokenRows.KEY, tokens.get(adapter).rows());
    }
  }

  /** What PEFT calls the bias that an adapter trains. */
  private String biasName(String adapter) {
    return name() + (updates.containsKey(adapter) ? ".base_layer.bias" : ".bias");
  }

  @Override
  public void forEachParameter(String adapter, Consumer<Tensor> visitor) {
    forEachNamed(adapter, "", (key, t) -> visitor.accept(t));
  }

  @Override
  public void forEachSaved(String adapter, BiConsumer<String, Tensor> visitor) {
    if (updates.containsKey(adapter)) {
      updates.get(adapter).forEachSaved(name(), visitor);
    }
    if (copies.containsKey(adapter)) {
      copies.get(adapter).weights().forEach(name(), visitor);
    }
    if (biases.containsKey(adapter)) {
      visitor.accept(biasName(adapter), biases.get(adapter));
    }
    if (tokens.containsKey(adapter)) {
      visitor.accept(name() + TokenRows.KEY, tokens.get(adapter).rows());
    }
  }

  /** Frees the adapters and a merged weight, not the base. */
  @Override
  public void close() {
    unmerge();
    active = List.of();
    root = base;
    updates.values().forEach(LoraUpdate::close);
    copies.values().forEach(TrainedCopy::close);
    biases.values().forEach(Tensor::close);
    tokens.values().forEach(TokenRows::close);
  }
}
