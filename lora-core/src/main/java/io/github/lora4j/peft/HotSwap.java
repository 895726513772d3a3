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
  private final Map<String, List<Integer>> tokensBefore;
  private final Map<String, List<Integer>> tokensAfter;
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
    this.tokensBefore = adapter.matched().tokens();
    this.tokensAfter = matched.tokens();
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
          .ifPresent(
              update ->
                  update.swap(weights, target == null ? 0 : target.scaling(), after.loraDropout()));
      layer.copy(adapter).ifPresent(TrainedCopy::refresh);
    }
    for (AdaptedEmbedding layer : layers.embeddings()) {
      AdapterTarget target = targets.get(layer.name());
      layer
          .parts()
          .get(adapter, EmbeddingUpdate.class)
          .ifPresent(
              update ->
                  update.swap(
                      Optional.ofNullable(read.updates().get(layer.name())),
                      target == null ? 0 : target.scaling()));
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
    if (!tokensBefore.equals(tokensAfter)) {
      problems.add(
          "trainableTokenIndices can't change from %s to %s".formatted(tokensBefore, tokensAfter));
    }
    read.tables().keySet().stream()
        .filter(module -> layers.all().stream().noneMatch(layer -> layer.name().equals(module)))
        .forEach(module -> problems.add(module + ": the file brings a table of the base"));
    if (before.useDora() != after.useDora() || before.loraBias() != after.loraBias()) {
      problems.add("useDora and loraBias can't change");
    }
    if (!before.initLoraWeights().equals(after.initLoraWeights())
        && (before.initLoraWeights().changesBase() || after.initLoraWeights().changesBase())) {
      problems.add(
          "initLoraWeights can't change from %s to %s, which go with different weights of the base"
              .formatted(before.initLoraWeights(), after.initLoraWeights()));
    }
    if (!before.loftqConfig().equals(after.loftqConfig())) {
      problems.add(
          "loftqConfig can't change from %s to %s, which round the base differently"
              .formatted(rounding(before), rounding(after)));
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

  /** What OLoRA takes out of a weight is its matrices' product times the scaling. */
  private void requireSameStart(LoraUpdate update, AdapterTarget target) {
    if (before.initLoraWeights().equals(InitLoraWeights.OLORA)
        && update.scalingAtStart() != target.scaling()) {
      problems.add(
          "%s: scaling %s instead of %s, with which initLoraWeights \"olora\" leaves another part of the base"
              .formatted(target.module(), target.scaling(), update.scalingAtStart()));
    }
  }

  private static String rounding(LoraConfig config) {
    return config.loftqConfig().map(LoftQConfig::toString).orElse("none");
  }

  private void requireFit(AdaptedLayer layer, Set<String> further) {
    int room = room(layer);
    if (room > 0) {
      if (further.remove(layer.name())) {
        if (layer instanceof AdaptedLinear linear) {
          linear
              .update(adapter)
              .ifPresent(update -> requireSameStart(update, targets.get(layer.name())));
        }
        int rank = targets.get(layer.name()).r();
        if (rank != room && before.initLoraWeights().changesBase()) {
          problems.add(
              "%s: rank %d instead of %d, with which initLoraWeights \"%s\" leaves another part of the base"
                  .formatted(layer.name(), rank, room, before.initLoraWeights()));
        } else if (rank > room) {
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
    Optional<StoredTable> own = table(layer);
    Optional<StoredTable> other = Optional.ofNullable(read.tables().get(layer.name()));
    if (own.isPresent() != other.isPresent()
        || own.isPresent() && !own.get().sameAs(other.orElseThrow())) {
      problems.add(layer.name() + ": the files bring different tables of the base");
    }
  }

  /** The rank of the update that there is, 0 if there is none. */
  private int room(AdaptedLayer layer) {
    if (layer instanceof AdaptedLinear linear) {
      return linear.update(adapter).map(update -> update.weights().rank()).orElse(0);
    }
    return layer instanceof AdaptedEmbedding table
        ? table
            .parts()
            .get(adapter, EmbeddingUpdate.class)
            .map(update -> update.weights().rank())
            .orElse(0)
        : 0;
  }

  private Optional<StoredTable> table(AdaptedLayer layer) {
    if (layer instanceof AdaptedLinear linear) {
      return linear.parts().get(adapter, StoredTable.class);
    }
    return layer instanceof AdaptedEmbedding table
        ? table.parts().get(adapter, StoredTable.class)
        : Optional.empty();
  }
}
