package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Several adapters of a model as one, before it is added: what its layers get and how it is
 * configured.
 */
final class AdapterMix implements AutoCloseable {

  private final Map<String, CombinedUpdate> updates = new LinkedHashMap<>();

  private AdapterMix() {}

  /**
   * Combines them.
   *
   * @param parts their names with their weights, at least one
   * @throws LoraException if one of them has more than plain updates of linear layers
   */
  static AdapterMix of(
      AdaptedLayers layers,
      Map<String, Adapter> adapters,
      Map<String, Double> parts,
      CombinationType type,
      CombinationOptions options) {
    parts.keySet().forEach(name -> requirePlain(name, adapters.get(name), layers));
    AdapterMix mix = new AdapterMix();
    try (WeightedCombination combination =
        new WeightedCombination(type.forAdapters(parts.size()), options)) {
      for (AdaptedLinear layer : layers.linears()) {
        List<WeightedUpdate> own = new ArrayList<>();
        parts.forEach((name, weight) -> addOwn(own, layer.update(name), weight));
        if (!own.isEmpty()) {
          mix.put(layer.name(), combination.combine(layer.name(), own));
        }
      }
      return mix;
    } catch (RuntimeException | Error e) {
      mix.close();
      throw e;
    }
  }

  private static void addOwn(List<WeightedUpdate> own, Optional<LoraUpdate> update, double weight) {
    update.ifPresent(
        part -> {
          LoraWeights weights = part.weights();
          own.add(new WeightedUpdate(weights.a(), weights.b(), part.scaling(), weight));
        });
  }

  private void put(String module, CombinedUpdate update) {
    TensorScope.keep(update.a());
    TensorScope.keep(update.b());
    updates.put(module, update);
  }

  /** Refuses what sums of A and B say nothing about. */
  private static void requirePlain(String name, @Nullable Adapter adapter, AdaptedLayers layers) {
    if (adapter != null && adapter.config().initLoraWeights().changesBase()) {
      throw new LoraException(
          ("Adapter \"%s\" began with initLoraWeights \"%s\", which takes a part out of the base:"
                  + " it can't be combined with others before it is converted to a plain one")
              .formatted(name, adapter.config().initLoraWeights()));
    }
    for (AdaptedLayer layer : layers.all()) {
      if (!layer.adapters().contains(name)) {
        continue;
      }
      boolean hasUpdate = layer instanceof AdaptedLinear linear && linear.update(name).isPresent();
      List<String> learnt = new ArrayList<>();
      layer.forEachSaved(name, (key, tensor) -> learnt.add(key));
      if (!hasUpdate || learnt.size() != 2) {
        throw new LoraException(
            ("Adapter \"%s\" has more than A and B of a linear layer at %s (%s): it can't be"
                    + " combined with others")
                .formatted(name, layer.name(), String.join(", ", learnt)));
      }
    }
  }

  /**
   * The first adapter's configuration with these ranks, for a scaling of 1 without rsLoRA, and the
   * modules named one by one: no pattern says what several patterns did.
   */
  LoraConfig config(LoraConfig first) {
    Map<String, Integer> ranks = new LinkedHashMap<>();
    updates.forEach((module, update) -> ranks.put(module, update.rank()));
    int r = ranks.values().stream().mapToInt(Integer::intValue).max().orElseThrow();
    RankPatterns patterns = RankPatterns.ofScalingOne(r, ranks, false);
    return first.toBuilder()
        .r(r)
        .loraAlpha(CombinedUpdate.alpha(r, false))
        .useRslora(false)
        .rankPattern(patterns.rankPattern())
        .alphaPattern(patterns.alphaPattern())
        .targetModules(new TargetModules.Names(List.copyOf(ranks.keySet())))
        .targetParameters()
        .excludeModules()
        .layersToTransform()
        .layersPattern()
        .initLoraWeights(true)
        .build();
  }

  /** Writes the numbers into the weights of an adapter that {@link #config} made. */
  void writeTo(AdaptedLayers layers, String adapter) {
    for (AdaptedLinear layer : layers.linears()) {
      CombinedUpdate update = updates.get(layer.name());
      Optional<LoraUpdate> target = layer.update(adapter);
      if (update != null && target.isPresent()) {
        target.get().weights().take(new LoraWeights(update.a(), update.b()));
      }
    }
  }

  @Override
  public void close() {
    for (CombinedUpdate update : updates.values()) {
      for (Tensor tensor : List.of(update.a(), update.b())) {
        tensor.close();
      }
    }
  }
}
