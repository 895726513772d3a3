package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Puts the weights of an adapter's file into the tensors of one that is in a model. */
final class HotSwap {

  private final AdaptedLayers layers;
  private final String adapter;
  private final LoraConfig before;
  private final LoraConfig after;
  private final MatchedModules matched;
  private final AdapterWeightsFile.Contents read;

  HotSwap(
      AdaptedLayers layers,
      Adapter adapter,
      LoraConfig after,
      MatchedModules matched,
      AdapterWeightsFile.Contents read) {
    this.layers = layers;
    this.adapter = adapter.name();
    this.before = adapter.config();
    this.after = after;
    this.matched = matched;
    this.read = read;
  }

  /**
   * Swaps.
   *
   * @throws AdapterMismatchException if something doesn't fit; then nothing has changed
   */
  void run() {
    Map<String, AdapterTarget> targets =
        matched.targets().stream().collect(Collectors.toMap(AdapterTarget::module, t -> t));
    Map<String, ExpertTarget> experts =
        matched.experts().stream().collect(Collectors.toMap(ExpertTarget::parameter, t -> t));
    requireFit(targets, experts);
    for (AdaptedLinear layer : layers.linears()) {
      AdapterTarget target = targets.get(layer.name());
      if (layer.updates().containsKey(adapter)) {
        layer
            .updates()
            .get(adapter)
            .swap(
                Optional.ofNullable(read.updates().get(layer.name())),
                target == null ? 0 : target.scaling());
      }
      if (layer.copies().containsKey(adapter)) {
        layer.copies().get(adapter).take(read.copies().get(layer.name()));
      }
    }
    for (AdaptedExperts layer : layers.experts()) {
      if (layer.adapters().contains(adapter)) {
        Optional<ExpertTarget> target = Optional.ofNullable(experts.get(layer.name()));
        layer.swap(adapter, target, target.map(t -> read.updates().get(t.module())));
      }
    }
  }

  private void requireFit(Map<String, AdapterTarget> targets, Map<String, ExpertTarget> experts) {
    List<String> problems = new ArrayList<>();
    Set<String> further = new LinkedHashSet<>(targets.keySet());
    further.addAll(experts.keySet());
    for (AdaptedLinear layer : layers.linears()) {
      LoraUpdate update = layer.updates().get(adapter);
      if (update != null && further.remove(layer.name())) {
        int rank = targets.get(layer.name()).r();
        if (rank > update.weights().rank()) {
          problems.add(
              "%s: rank %d, but there is room for %d"
                  .formatted(layer.name(), rank, update.weights().rank()));
        }
      }
      if (layer.copies().containsKey(adapter) != read.copies().containsKey(layer.name())) {
        problems.add(layer.name() + ": only one of the two adapters trained it whole");
      }
    }
    for (AdaptedExperts layer : layers.experts()) {
      if (layer.adapters().contains(adapter) && further.remove(layer.name())) {
        int rank = read.updates().get(experts.get(layer.name()).module()).rank();
        if (rank != layer.weights(adapter).rank()) {
          problems.add(layer.name() + ": experts take only updates of the same rank");
        }
      }
    }
    read.copies().keySet().stream()
        .filter(name -> layers.linears().stream().noneMatch(l -> l.name().equals(name)))
        .forEach(name -> problems.add(name + ": only one of the two adapters trained it whole"));
    further.forEach(
        name -> problems.add(name + ": the adapter \"" + adapter + "\" has no update here"));
    if (!problems.isEmpty()) {
      throw new AdapterMismatchException(
          "The weights can't be swapped into the adapter \"%s\"; load them as another adapter:\n- %s"
              .formatted(adapter, String.join("\n- ", problems)));
    }
  }
}
