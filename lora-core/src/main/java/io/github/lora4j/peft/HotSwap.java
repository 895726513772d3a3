package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Puts the weights of an adapter's file into the tensors of one that is in a model. */
final class HotSwap {

  private final AdaptedLayers layers;
  private final String adapter;
  private final LoraConfig before;
  private final LoraConfig after;
  private final AdapterWeightsFile.Contents read;
  private final Map<String, AdapterTarget> targets;
  private final Map<String, ExpertTarget> experts;
  private final Map<String, Tensor> live = new LinkedHashMap<>();
  private final List<String> problems = new ArrayList<>();

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
    this.read = read;
    this.targets =
        matched.targets().stream().collect(Collectors.toMap(AdapterTarget::module, t -> t));
    this.experts =
        matched.experts().stream().collect(Collectors.toMap(ExpertTarget::parameter, t -> t));
  }

  /**
   * Swaps.
   *
   * @param others the names of what the adapter has copies of
   * @throws AdapterMismatchException if something doesn't fit; then nothing has changed
   */
  void run(Set<String> others) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      layers.forEachSaved(adapter, live::put);
      requireFit(others);
      swap();
    }
  }

  private void swap() {
    read.others()
        .forEach((key, tensor) -> Objects.requireNonNull(live.get(key)).copyInPlace(tensor));
    for (AdaptedLinear layer : layers.linears()) {
      AdapterTarget target = targets.get(layer.name());
      Optional<LoraWeights> weights = Optional.ofNullable(read.updates().get(layer.name()));
      layer
          .update(adapter)
          .ifPresent(update -> update.swap(weights, target == null ? 0 : target.scaling()));
      layer.copy(adapter).ifPresent(TrainedCopy::refresh);
    }
    for (AdaptedExperts layer : layers.experts()) {
      if (layer.adapters().contains(adapter)) {
        Optional<ExpertTarget> target = Optional.ofNullable(experts.get(layer.name()));
        layer.swap(adapter, target, target.map(t -> read.updates().get(t.module())));
      }
    }
  }

  private void requireFit(Set<String> others) {
    if (!others.equals(read.others().keySet())) {
      Set<String> differing = new TreeSet<>(others);
      differing.addAll(read.others().keySet());
      differing.removeIf(key -> others.contains(key) && read.others().containsKey(key));
      problems.add("only one of the two adapters has " + String.join(", ", differing));
    }
    if (before.useDora() != after.useDora() || before.loraBias() != after.loraBias()) {
      problems.add("useDora and loraBias can't change");
    }
    if (!before.initLoraWeights().equals(after.initLoraWeights())
        && (before.initLoraWeights().changesBase() || after.initLoraWeights().changesBase())) {
      problems.add(
          "initLoraWeights can't change from %s to %s, which go with different weights of the base"
              .formatted(before.initLoraWeights(), after.initLoraWeights()));
    }
    Set<String> further = new TreeSet<>(targets.keySet());
    further.addAll(experts.keySet());
    for (AdaptedLayer layer : layers.all()) {
      requireFit(layer, further);
    }
    further.forEach(
        name -> problems.add(name + ": the adapter \"" + adapter + "\" has no update here"));
    if (!problems.isEmpty()) {
      throw new AdapterMismatchException(
          "The weights can't be swapped into the adapter \"%s\"; load them as another adapter:\n- %s"
              .formatted(adapter, String.join("\n- ", problems)));
    }
  }

  private void requireFit(AdaptedLayer layer, Set<String> further) {
    if (layer instanceof AdaptedLinear linear && linear.update(adapter).isPresent()) {
      int room = linear.update(adapter).get().weights().rank();
      if (further.remove(layer.name())) {
        int rank = targets.get(layer.name()).r();
        if (rank > room) {
          problems.add("%s: rank %d, but there is room for %d".formatted(layer.name(), rank, room));
        }
      } else if (before.useDora() || before.initLoraWeights().changesBase()) {
        problems.add(layer.name() + ": the file has no update here, and nothing can stand for it");
      }
    }
    if (layer instanceof AdaptedExperts these
        && these.adapters().contains(adapter)
        && further.remove(layer.name())
        && read.updates().get(experts.get(layer.name()).module()).rank()
            != these.weights(adapter).rank()) {
      problems.add(layer.name() + ": experts take only updates of the same rank");
    }
    if (layer instanceof AdaptedEmbedding table
        && table.parts().get(adapter, EmbeddingUpdate.class).isPresent()) {
      problems.add(layer.name() + ": updates of embeddings can't be swapped");
    }
  }
}
