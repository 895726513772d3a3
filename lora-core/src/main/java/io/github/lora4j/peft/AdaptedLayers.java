package io.github.lora4j.peft;

import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ExpertLinear;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The layers of a model that an adapter stands around, and what happens to all of them at once. */
final class AdaptedLayers implements AutoCloseable {

  private final List<LoraLinear> linears = new ArrayList<>();
  private final List<LoraExperts> experts = new ArrayList<>();
  private final List<TrainedCopy> copies = new ArrayList<>();

  /** Those with a low-rank update, routers among them, in the model's order. */
  List<LoraLinear> linears() {
    return linears;
  }

  /** Experts with low-rank updates, in the model's order. */
  List<LoraExperts> experts() {
    return experts;
  }

  /** Those that are trained whole, in the model's order. */
  List<TrainedCopy> copies() {
    return copies;
  }

  /** Puts the adapter around the layers of a model, each of which is added here. */
  LayerChange wrapping(
      BaseLayers base,
      MatchedModules matched,
      double dropout,
      AdapterSource source,
      AdapterSwitch enabled) {
    Map<String, AdapterTarget> targets =
        matched.targets().stream().collect(Collectors.toMap(AdapterTarget::module, t -> t));
    Map<String, ExpertTarget> ofExperts =
        matched.experts().stream().collect(Collectors.toMap(ExpertTarget::parameter, t -> t));
    Set<String> saved = Set.copyOf(matched.saved());
    return new LayerChange() {

      @Override
      public LinearLayer apply(LinearLayer layer) {
        if (!saved.contains(layer.name())) {
          return wrap(layer);
        }
        DenseLinear dense = base.dense(layer.name());
        copies.add(new TrainedCopy(dense, source.copy(dense), enabled));
        return copies.get(copies.size() - 1);
      }

      @Override
      public LinearLayer router(LinearLayer router) {
        return wrap(router);
      }

      private LinearLayer wrap(LinearLayer layer) {
        AdapterTarget target = targets.get(layer.name());
        if (target == null) {
          return layer;
        }
        linears.add(
            new LoraLinear(layer, source.update(target), target.scaling(), dropout, enabled));
        return linears.get(linears.size() - 1);
      }

      @Override
      public ExpertLinear experts(ExpertLinear layer) {
        ExpertTarget target = ofExperts.get(layer.name());
        if (target == null) {
          return layer;
        }
        experts.add(new LoraExperts(layer, target, source.update(target), enabled));
        return experts.get(experts.size() - 1);
      }
    };
  }

  /** Computes from merged weights from now on. */
  void merge(boolean safe) {
    linears.forEach(layer -> layer.merge(safe));
    experts.forEach(layer -> layer.merge(safe));
    copies.forEach(layer -> layer.merge(safe));
  }

  void unmerge() {
    linears.forEach(LoraLinear::unmerge);
    experts.forEach(LoraExperts::unmerge);
    copies.forEach(TrainedCopy::unmerge);
  }

  boolean isMerged() {
    return linears.stream().anyMatch(LoraLinear::isMerged)
        || experts.stream().anyMatch(LoraExperts::isMerged);
  }

  /** Puts merged layers, made now, in the place of those of the base; others are shared. */
  LayerChange unloading(boolean safe) {
    Map<String, LinearLayer> merged = new LinkedHashMap<>();
    Map<String, ExpertLinear> mergedExperts = new LinkedHashMap<>();
    try {
      linears.forEach(layer -> merged.put(layer.name(), layer.mergedLayer(safe)));
      copies.forEach(layer -> merged.put(layer.name(), layer.mergedLayer(safe)));
      experts.forEach(layer -> mergedExperts.put(layer.name(), layer.mergedLayer(safe)));
    } catch (RuntimeException | Error e) {
      merged.values().forEach(LinearLayer::close);
      mergedExperts.values().forEach(ExpertLinear::close);
      throw e;
    }
    return new LayerChange() {

      @Override
      public LinearLayer apply(LinearLayer layer) {
        return merged.containsKey(layer.name()) ? merged.get(layer.name()) : layer.share();
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
    linears.forEach(LoraLinear::close);
    experts.forEach(LoraExperts::close);
    copies.forEach(TrainedCopy::close);
  }
}
