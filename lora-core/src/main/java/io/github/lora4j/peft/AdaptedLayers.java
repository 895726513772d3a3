package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.Embedding;
import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.ExpertLinear;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.Norm;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The layers of a model that adapters stand around, and what happens to all of them at once. */
final class AdaptedLayers implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(AdaptedLayers.class);

  private final BaseLayers base;
  private final AdapterSwitch enabled;
  private final Map<String, AdaptedLayer> layers = new LinkedHashMap<>();

  /** Those adapters whose copy of the table is the tied head's too. */
  private final Set<String> tying = new HashSet<>();

  AdaptedLayers(BaseLayers base, AdapterSwitch enabled) {
    this.base = base;
    this.enabled = enabled;
  }

  /** All of them, in the model's order. */
  List<AdaptedLayer> all() {
    return of(AdaptedLayer.class);
  }

  /** Those around linear layers, routers among them, in the model's order. */
  List<AdaptedLinear> linears() {
    return of(AdaptedLinear.class);
  }

  /** Those around experts, in the model's order. */
  List<AdaptedExperts> experts() {
    return of(AdaptedExperts.class);
  }

  /** Those around tables, in the model's order. */
  List<AdaptedEmbedding> embeddings() {
    return of(AdaptedEmbedding.class);
  }

  private <T> List<T> of(Class<T> kind) {
    return base.names().stream()
        .filter(layers::containsKey)
        .map(layers::get)
        .filter(kind::isInstance)
        .map(kind::cast)
        .toList();
  }

  /** Shows what belongs into an adapter's file: see {@link AdaptedLayer#forEachSaved}. */
  void forEachSaved(String adapter, BiConsumer<String, Tensor> visitor) {
    all().forEach(layer -> layer.forEachSaved(adapter, visitor));
  }

  /** The same for an adapter that stands beside the base's whole weights, with twice the ranks. */
  void forEachPlain(String adapter, BiConsumer<String, Tensor> visitor) {
    for (AdaptedLinear layer : linears()) {
      layer.update(adapter).ifPresent(update -> update.forEachPlain(layer.name(), visitor));
    }
    for (AdaptedEmbedding layer : embeddings()) {
      layer
          .parts()
          .get(adapter, EmbeddingUpdate.class)
          .ifPresent(update -> update.forEachPlain(layer.name(), visitor));
    }
  }

  /** A parameter of the base less what an adapter took out of it, as PEFT saves it. */
  Tensor rest(String adapter, BaseTables.Parameter own) {
    return layers.get(own.module()) instanceof AdaptedLinear linear && own.own().dim() == 2
        ? linear
            .update(adapter)
            .flatMap(update -> update.rest(own.own()))
            .map(rest -> rest.to(own.own().dtype()))
            .orElse(own.own())
        : own.own();
  }

  // ---- adapters

  /** Puts one more adapter beside the layers that it is for; the view of the base is made anew. */
  void add(String adapter, LoraConfig config, MatchedModules matched, AdapterSource source) {
    if (config.ensureWeightTying()) {
      tying.add(adapter);
    }
    try (TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> copies = new LinkedHashMap<>();
      new Extras(base, config)
          .replaced(matched)
          .forEach((key, original) -> copies.put(key, source.copy(key, original)));
      addUpdates(adapter, config, matched, source);
      addCopies(adapter, matched, copies);
      source.tables().forEach((module, table) -> addTable(adapter, module, table));
    } catch (RuntimeException | Error e) {
      remove(adapter);
      throw e;
    }
  }

  private void addCopies(String adapter, MatchedModules matched, Map<String, Tensor> copies) {
    for (String name : matched.saved()) {
      if (base.embedding(name).isPresent()) {
        embedding(name).put(adapter, new TableCopy(copies.get(name + ".weight")));
      } else if (base.norm(name).isPresent()) {
        norm(name).put(adapter, below(copies, name));
      } else {
        DenseLinear dense = base.dense(name);
        linear(name)
            .put(
                adapter,
                new TrainedCopy(
                    dense,
                    new TrainedCopy.Weights(
                        copies.get(name + ".weight"),
                        Optional.ofNullable(copies.get(name + ".bias")))));
      }
    }
    for (String name : matched.biases()) {
      if (base.norm(name).isPresent()) {
        norm(name).put(adapter, Map.of(name + ".bias", copies.get(name + ".bias")));
      } else {
        boolean besideUpdate = matched.isTarget(name);
        Tensor bias = copies.get(TrainedBias.key(name, besideUpdate));
        linear(name).put(adapter, new TrainedBias(bias, besideUpdate));
      }
    }
    matched
        .tokens()
        .forEach(
            (name, tokens) -> {
              Tensor rows = copies.get(name + TokenRows.KEY);
              if (base.embedding(name).isPresent()) {
                int vocab = base.embedding(name).get().numEmbeddings();
                embedding(name).put(adapter, new TokenRows(rows, tokens, vocab));
              } else {
                int vocab = base.linear(name).outFeatures();
                linear(name).put(adapter, new TokenRows(rows, tokens, vocab));
              }
            });
  }

  /** Adapters that were trained on the same other base share its table. */
  private void addTable(String adapter, String module, StoredTable table) {
    AdaptedLayer layer = base.embedding(module).isPresent() ? embedding(module) : linear(module);
    LayerParts parts =
        layer instanceof AdaptedEmbedding tokens ? tokens.parts() : ((AdaptedLinear) layer).parts();
    Optional<StoredTable> known =
        parts.of(List.copyOf(parts.adapters()), StoredTable.class).stream()
            .filter(table::sameAs)
            .findFirst();
    if (known.isPresent()) {
      parts.put(adapter, known.get().shared(table));
      table.close();
    } else {
      parts.put(adapter, table);
    }
    LOG.warn(
        "The file of the adapter \"{}\" brings its own {}; as in PEFT it takes the base's place,"
            + " but only where this adapter takes part.",
        adapter,
        module);
  }

  private static Map<String, Tensor> below(Map<String, Tensor> copies, String name) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    copies.forEach(
        (key, tensor) -> {
          if (key.startsWith(name + ".")) {
            found.put(key, tensor);
          }
        });
    return found;
  }

  private void addUpdates(
      String adapter, LoraConfig config, MatchedModules matched, AdapterSource source) {
    Map<String, AdapterTarget> targets =
        matched.targets().stream().collect(Collectors.toMap(AdapterTarget::module, t -> t));
    Map<String, ExpertTarget> ofExperts =
        matched.experts().stream().collect(Collectors.toMap(ExpertTarget::parameter, t -> t));
    for (String name : base.names()) {
      if (ofExperts.containsKey(name)) {
        ExpertTarget target = ofExperts.get(name);
        experts(name).put(adapter, target, source.update(base.experts(name), target));
      } else if (targets.containsKey(name) && !matched.saved().contains(name)) {
        AdapterTarget target = targets.get(name);
        if (base.embedding(name).isPresent()) {
          LoraWeights weights = source.update(base.embedding(name).get(), target);
          embedding(name).put(adapter, new EmbeddingUpdate(weights, target.scaling()));
        } else {
          LoraWeights weights = source.update(base.linear(name), target);
          linear(name)
              .put(adapter, new LoraUpdate(weights, target.scaling(), config.loraDropout()));
        }
      }
    }
  }

  private AdaptedLinear linear(String name) {
    return (AdaptedLinear)
        layers.computeIfAbsent(name, n -> new AdaptedLinear(base.linear(n), enabled));
  }

  private AdaptedExperts experts(String name) {
    return (AdaptedExperts)
        layers.computeIfAbsent(name, n -> new AdaptedExperts(base.experts(n), enabled));
  }

  private AdaptedEmbedding embedding(String name) {
    return (AdaptedEmbedding)
        layers.computeIfAbsent(
            name, n -> new AdaptedEmbedding(base.embedding(n).orElseThrow(), enabled));
  }

  private AdaptedNorm norm(String name) {
    return (AdaptedNorm)
        layers.computeIfAbsent(name, n -> new AdaptedNorm(base.norm(n).orElseThrow(), enabled));
  }

  /** Frees an adapter; layers that have no other go out of the view when it is made anew. */
  void remove(String adapter) {
    tying.remove(adapter);
    for (AdaptedLayer layer : all()) {
      layer.remove(adapter);
      if (layer.adapters().isEmpty()) {
        layers.remove(layer.name()).close();
      }
    }
  }

  /** Refuses adapters of which two train the same layer whole: one can stand in its place only. */
  void requireOneCopy(List<String> adapters) {
    for (AdaptedLayer layer : all()) {
      Map<String, Object> replacing = layer.replacing();
      List<String> whole = adapters.stream().filter(replacing::containsKey).toList();
      if (whole.stream().map(replacing::get).distinct().count() > 1) {
        throw new IllegalArgumentException(
            "The adapters %s each have a copy of %s, or of a part of it, to stand in its place (modulesToSave, bias, loftq, a table in the file): only one of them can be active"
                .formatted(whole, layer.name()));
      }
    }
  }

  /** Refuses adapters on experts, to which tokens of all rows go. */
  void requireRowwise(List<String> adapters) {
    for (AdaptedExperts layer : experts()) {
      for (String adapter : adapters) {
        if (layer.adapters().contains(adapter)) {
          throw new IllegalArgumentException(
              "Rows can't use adapters of their own here: \"%s\" adapts %s, which sees the tokens of all rows in one"
                  .formatted(adapter, layer.name()));
        }
      }
    }
  }

  void forEach(Consumer<AdaptedLayer> action) {
    all().forEach(action);
  }

  void rename(String adapter, String name) {
    all().forEach(layer -> layer.rename(adapter, name));
    if (tying.remove(adapter)) {
      tying.add(name);
    }
  }

  // ---- other trees around the base's

  /** Puts these layers in the place of those of the base. */
  LayerChange inPlace() {
    Replacement change = new Replacement();
    of(AdaptedLinear.class).forEach(layer -> change.linears.put(layer.name(), layer));
    of(AdaptedExperts.class).forEach(layer -> change.experts.put(layer.name(), layer));
    embeddings().forEach(layer -> change.embeddings.put(layer.name(), layer));
    of(AdaptedNorm.class).forEach(layer -> change.norms.put(layer.name(), layer));
    if (headFollows()) {
      change.tiedHead = Optional.of(this::tiedHead);
    }
    return change;
  }

  /**
   * The same for a batch whose rows use different adapters.
   *
   * @param rows the adapter of each row
   */
  LayerChange byRow(RowAdapters rows) {
    Replacement change = new Replacement();
    for (AdaptedLinear layer : linears()) {
      int dims = base.dimsOfInput(layer.name());
      change.linears.put(layer.name(), RowLinear.of(layer, rows, dims));
    }
    embeddings()
        .forEach(table -> change.embeddings.put(table.name(), new RowEmbedding(table, rows)));
    of(AdaptedNorm.class).forEach(norm -> change.norms.put(norm.name(), new RowNorm(norm, rows)));
    if (headFollows()) {
      change.tiedHead = Optional.of(head -> RowLinear.of(tiedHead(head), rows));
    }
    return change;
  }

  /** Whether the head has to look at the table's adapters. */
  private boolean headFollows() {
    return base.isTied()
        && layers.get(base.inputs().name()) instanceof AdaptedEmbedding table
        && (table.parts().hasAny(TokenRows.class)
            || table.adapters().stream().anyMatch(tying::contains));
  }

  private TiedHead tiedHead(LinearLayer head) {
    LinearLayer own = layers.get(head.name()) instanceof AdaptedLinear there ? there : head;
    return new TiedHead(own, embedding(base.inputs().name()), tying::contains);
  }

  /** Puts layers by their names in the place of others. */
  private static final class Replacement implements LayerChange {
    private final Map<String, LinearLayer> linears = new LinkedHashMap<>();
    private final Map<String, ExpertLinear> experts = new LinkedHashMap<>();
    private final Map<String, EmbeddingLayer> embeddings = new LinkedHashMap<>();
    private final Map<String, Norm> norms = new LinkedHashMap<>();
    private Optional<UnaryOperator<LinearLayer>> tiedHead = Optional.empty();
    private UnaryOperator<LinearLayer> unchanged = UnaryOperator.identity();

    @Override
    public LinearLayer apply(LinearLayer layer) {
      LinearLayer other = linears.get(layer.name());
      return other != null ? other : unchanged.apply(layer);
    }

    @Override
    public LinearLayer router(LinearLayer router) {
      return linears.getOrDefault(router.name(), router);
    }

    @Override
    public ExpertLinear experts(ExpertLinear layer) {
      return experts.getOrDefault(layer.name(), layer);
    }

    @Override
    public EmbeddingLayer embedding(EmbeddingLayer table) {
      return embeddings.getOrDefault(table.name(), table);
    }

    @Override
    public Norm norm(Norm norm) {
      return norms.getOrDefault(norm.name(), norm);
    }

    @Override
    public LinearLayer tiedHead(LinearLayer head, EmbeddingLayer table) {
      return tiedHead.isPresent() ? tiedHead.get().apply(head) : apply(head);
    }

    private void closeAll() {
      linears.values().forEach(LinearLayer::close);
      experts.values().forEach(ExpertLinear::close);
      embeddings.values().forEach(EmbeddingLayer::close);
      norms.values().forEach(Norm::close);
    }
  }

  // ---- merging

  /** Computes from merged weights from now on. */
  void merge(List<String> adapters, boolean safe) {
    requireOneHead(adapters);
    having(AdaptedLayer.class, adapters).forEach(layer -> layer.merge(adapters, safe));
  }

  void unmerge() {
    layers.values().forEach(AdaptedLayer::unmerge);
  }

  private <T extends AdaptedLayer> List<T> having(Class<T> kind, List<String> adapters) {
    return of(kind).stream()
        .filter(layer -> layer.adapters().stream().anyMatch(adapters::contains))
        .toList();
  }

  /** A head that follows the table has no room for changes of its own in one weight. */
  private void requireOneHead(List<String> adapters) {
    boolean own =
        having(AdaptedLinear.class, adapters).stream()
            .anyMatch(layer -> layer.name().equals(base.headName()) && layer.isChangedBy(adapters));
    if (own && headFollows(adapters)) {
      throw new LoraException(
          base.headName()
              + " is tied to a table that these adapters change, and is changed by itself too: they"
              + " can't be merged together");
    }
  }

  private boolean headFollows(List<String> adapters) {
    return headFollows()
        && new TiedHead(
                base.linear(base.headName()), embedding(base.inputs().name()), tying::contains)
            .follows(adapters);
  }

  /** Puts what an adapter's beginning left of layers, made now, in their place. */
  LayerChange without(String adapter) {
    Replacement change = new Replacement();
    change.unchanged = LinearLayer::share;
    try {
      for (AdaptedLinear layer : linears()) {
        layer.rest(adapter).ifPresent(rest -> change.linears.put(layer.name(), rest));
      }
    } catch (RuntimeException | Error e) {
      change.closeAll();
      throw e;
    }
    return change;
  }

  /** Puts merged layers, made now, in the place of those of the base; others are shared. */
  LayerChange unloading(List<String> adapters, boolean safe, QuantizedMerge quantized) {
    requireOneHead(adapters);
    Replacement change = new Replacement();
    change.unchanged = quantized::unchanged;
    try {
      for (AdaptedLinear layer : having(AdaptedLinear.class, adapters)) {
        change.linears.put(layer.name(), layer.mergedLayer(adapters, safe, quantized));
      }
      for (AdaptedExperts layer : having(AdaptedExperts.class, adapters)) {
        change.experts.put(layer.name(), layer.mergedLayer(adapters, safe));
      }
      for (AdaptedEmbedding layer : having(AdaptedEmbedding.class, adapters)) {
        change.embeddings.put(layer.name(), layer.mergedLayer(adapters, safe));
      }
      for (AdaptedNorm layer : having(AdaptedNorm.class, adapters)) {
        change.norms.put(layer.name(), layer.mergedLayer(adapters, safe));
      }
    } catch (RuntimeException | Error e) {
      change.closeAll();
      throw e;
    }
    if (headFollows(adapters)) {
      Embedding merged = (Embedding) change.embeddings.get(base.inputs().name());
      change.tiedHead =
          Optional.of(
              head ->
                  new DenseLinear(
                      head.name(),
                      TensorScope.keep(merged.weight().alias()),
                      BaseWeights.bias(head).map(bias -> TensorScope.keep(bias.alias()))));
    }
    return change;
  }

  @Override
  public void close() {
    layers.values().forEach(AdaptedLayer::close);
    layers.clear();
  }
}
