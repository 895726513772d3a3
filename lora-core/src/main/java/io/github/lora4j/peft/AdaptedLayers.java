package io.github.lora4j.peft;

import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ExpertLinear;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.Tensor;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** The layers of a model that adapters stand around, and what happens to all of them at once. */
final class AdaptedLayers implements AutoCloseable {

  private final BaseLayers base;
  private final AdapterSwitch enabled;
  private final Map<String, AdaptedLayer> layers = new LinkedHashMap<>();

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

  // ---- adapters

  /** Puts one more adapter beside the layers that it is for; the view of the base is made anew. */
  void add(String adapter, MatchedModules matched, double dropout, AdapterSource source) {
    Map<String, AdapterTarget> targets =
        matched.targets().stream().collect(Collectors.toMap(AdapterTarget::module, t -> t));
    Map<String, ExpertTarget> ofExperts =
        matched.experts().stream().collect(Collectors.toMap(ExpertTarget::parameter, t -> t));
    Set<String> saved = Set.copyOf(matched.saved());
    try {
      for (String name : base.names()) {
        if (saved.contains(name)) {
          DenseLinear dense = base.dense(name);
          linear(name).put(adapter, new TrainedCopy(dense, source.copy(dense)));
        } else if (targets.containsKey(name)) {
          AdapterTarget target = targets.get(name);
          linear(name)
              .put(adapter, new LoraUpdate(source.update(target), target.scaling(), dropout));
        } else if (ofExperts.containsKey(name)) {
          ExpertTarget target = ofExperts.get(name);
          experts(name).put(adapter, target, source.update(target));
        }
      }
    } catch (RuntimeException | Error e) {
      remove(adapter);
      throw e;
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

  /** Frees an adapter; layers that have no other go out of the view when it is made anew. */
  void remove(String adapter) {
    for (AdaptedLayer layer : all()) {
      layer.remove(adapter);
      if (layer.adapters().isEmpty()) {
        layers.remove(layer.name()).close();
      }
    }
  }

  /** Refuses adapters of which two train the same layer whole: one can stand in its place only. */
  void requireOneCopy(List<String> adapters) {
    for (AdaptedLinear layer : linears()) {
      List<String> whole = adapters.stream().filter(layer.copies()::containsKey).toList();
      if (whole.size() > 1) {
        throw new IllegalArgumentException(
            "The adapters %s each have a copy of %s (modulesToSave) to stand in its place: only one of them can be active"
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

  // ---- other trees around the base's

  /** Puts these layers in the place of those of the base. */
  LayerChange inPlace() {
    return new Replacement(linears(), experts());
  }

  private static final class Replacement implements LayerChange {
    private final Map<String, LinearLayer> linears = new LinkedHashMap<>();
    private final Map<String, ExpertLinear> experts = new LinkedHashMap<>();

    Replacement(Collection<? extends LinearLayer> linears, Collection<AdaptedExperts> experts) {
      linears.forEach(layer -> this.linears.put(layer.name(), layer));
      experts.forEach(layer -> this.experts.put(layer.name(), layer));
    }

    @Override
    public LinearLayer apply(LinearLayer layer) {
      return linears.getOrDefault(layer.name(), layer);
    }

    @Override
    public LinearLayer router(LinearLayer router) {
      return linears.getOrDefault(router.name(), router);
    }

    @Override
    public ExpertLinear experts(ExpertLinear layer) {
      return experts.getOrDefault(layer.name(), layer);
    }
  }

  /**
   * The same for a batch whose rows use different adapters.
   *
   * @param rows the adapter of each row
   */
  LayerChange byRow(RowAdapters rows) {
    return new Replacement(
        linears().stream()
            .map(layer -> new RowLinear(layer, rows, base.dimsOfInput(layer.name())))
            .toList(),
        experts());
  }

  // ---- merging

  /** Computes from merged weights from now on. */
  void merge(List<String> adapters, boolean safe) {
    all().stream()
        .filter(layer -> layer.adapters().stream().anyMatch(adapters::contains))
        .forEach(layer -> layer.merge(adapters, safe));
  }

  void unmerge() {
    layers.values().forEach(AdaptedLayer::unmerge);
  }

  /** Puts merged layers, made now, in the place of those of the base; others are shared. */
  LayerChange unloading(List<String> adapters, boolean safe, QuantizedMerge quantized) {
    Map<String, LinearLayer> merged = new LinkedHashMap<>();
    Map<String, ExpertLinear> mergedExperts = new LinkedHashMap<>();
    try {
      for (AdaptedLinear layer : linears()) {
        if (layer.adapters().stream().anyMatch(adapters::contains)) {
          merged.put(layer.name(), layer.mergedLayer(adapters, safe, quantized));
        }
      }
      for (AdaptedExperts layer : experts()) {
        if (layer.adapters().stream().anyMatch(adapters::contains)) {
          mergedExperts.put(layer.name(), layer.mergedLayer(adapters, safe));
        }
      }
    } catch (RuntimeException | Error e) {
      merged.values().forEach(LinearLayer::close);
      mergedExperts.values().forEach(ExpertLinear::close);
      throw e;
    }
    return new LayerChange() {

      @Override
      public LinearLayer apply(LinearLayer layer) {
        return merged.containsKey(layer.name())
            ? merged.get(layer.name())
            : quantized.unchanged(layer);
      }

      @Override
      public LinearLayer router(LinearLayer router) {
        return merged.getOrDefault(router.name(), router);
      }

      @Override
      public ExpertLinear experts(ExpertLinear layer) {
        return mergedExperts.getOrDefault(layer.name(), layer);
      }
    };
  }

  @Override
  public void close() {
    layers.values().forEach(AdaptedLayer::close);
    layers.clear();
  }
}
