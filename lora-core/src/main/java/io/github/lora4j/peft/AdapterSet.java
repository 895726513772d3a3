package io.github.lora4j.peft;

import io.github.lora4j.nn.ForwardContext;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The adapters of one model by name: which there are, which are active and which are merged. */
final class AdapterSet {

  private static final Logger LOG = LoggerFactory.getLogger(AdapterSet.class);

  private final AdaptedLayers layers;
  private final Map<String, Adapter> adapters = new LinkedHashMap<>();
  private List<String> active = List.of();
  private List<String> merged = List.of();

  AdapterSet(AdaptedLayers layers) {
    this.layers = layers;
  }

  /** All of them, in the order in which they came; a view. */
  Map<String, Adapter> all() {
    return Collections.unmodifiableMap(adapters);
  }

  List<String> names() {
    return List.copyOf(adapters.keySet());
  }

  /** Those that take part, in the order in which they were set. */
  List<String> active() {
    return active;
  }

  /** The first that takes part. */
  String first() {
    if (active.isEmpty()) {
      throw new IllegalStateException("No adapter is active; there are " + names());
    }
    return active.get(0);
  }

  List<String> merged() {
    return merged;
  }

  boolean isMerged() {
    return !merged.isEmpty();
  }

  Adapter get(String name) {
    requireKnown(List.of(name));
    return Objects.requireNonNull(adapters.get(name));
  }

  // ---- what is refused

  void requireNew(String name) {
    requireUnmerged("an adapter is added");
    AdapterNames.check(name);
    if (adapters.containsKey(name)) {
      throw new IllegalArgumentException(
          "There is an adapter \""
              + name
              + "\" already: delete or rename it, or take another name.");
    }
  }

  void requireKnown(List<String> names) {
    names.forEach(name -> AdapterNames.requireKnown(name, adapters.keySet()));
  }

  void requireUnmerged(String what) {
    if (isMerged()) {
      throw new IllegalStateException(
          "Adapters are merged: call unmergeAdapter() before " + what + ".");
    }
  }

  // ---- coming and going

  /** Takes an adapter whose layers are in place; the first one is active at once. */
  void add(Adapter adapter) {
    adapters.put(adapter.name(), adapter);
    activate(adapters.size() == 1 ? List.of(adapter.name()) : active);
  }

  /** Describes an adapter anew, whose layers stay. */
  void describe(Adapter adapter) {
    adapters.put(adapter.name(), adapter);
  }

  /** Frees an adapter; if no other one is active, the first of those that are left is. */
  void delete(String name) {
    requireKnown(List.of(name));
    requireUnmerged("an adapter is deleted");
    List<String> rest = active.stream().filter(other -> !other.equals(name)).toList();
    adapters.remove(name);
    if (rest.isEmpty() && !active.isEmpty() && !adapters.isEmpty()) {
      rest = List.of(adapters.keySet().iterator().next());
      LOG.warn("Adapter {} was active and is deleted; now {} is active.", name, rest);
    }
    activate(rest);
    layers.remove(name);
  }

  /** Frees an adapter that another of its name follows; none is active until then. */
  void clear(String name) {
    requireKnown(List.of(name));
    requireUnmerged("an adapter is replaced");
    activate(List.of());
    adapters.remove(name);
    layers.remove(name);
  }

  void rename(String name, String newName) {
    requireKnown(List.of(name));
    requireNew(newName);
    Renaming.rename(adapters, name, newName);
    adapters.put(newName, get(newName).named(newName));
    layers.rename(name, newName);
    active = active.stream().map(n -> n.equals(name) ? newName : n).toList();
  }

  // ---- taking part

  void set(List<String> names) {
    requireKnown(names);
    requireUnmerged("other adapters are set");
    layers.requireOneCopy(names);
    activate(names);
  }

  /** Lets known adapters take part; those that may learn do so only then. */
  void activate(List<String> names) {
    active = List.copyOf(names);
    layers.forEach(layer -> layer.activate(active));
    adapters.forEach(
        (name, adapter) -> {
          boolean learns = adapter.trainable() && active.contains(name);
          layers.forEach(layer -> layer.requiresGrad(name, learns));
        });
  }

  void requiresGrad(boolean required, List<String> names) {
    for (String name : names) {
      adapters.put(name, get(name).trainable(required));
      layers.forEach(layer -> layer.requiresGrad(name, required));
    }
  }

  // ---- scaling

  void scale(String name, double scale) {
    requireKnown(List.of(name));
    requireUnmerged("a scaling changes");
    layers.forEach(layer -> layer.scale(name, scale));
  }

  /** Multiplies the scaling of the active ones. */
  void scaleActive(double factor) {
    requireUnmerged("a scaling changes");
    layers.forEach(layer -> active.forEach(name -> layer.scale(name, factor * layer.scale(name))));
  }

  /** Gives the active ones the scaling of their configuration. */
  void unscaleActive() {
    requireUnmerged("a scaling changes");
    layers.forEach(layer -> active.forEach(name -> layer.scale(name, 1)));
  }

  /** Multiplies the scaling of the active ones until the result is closed. */
  ForwardContext.Region rescaleActive(double factor) {
    requireUnmerged("a scaling changes");
    List<Runnable> back = new ArrayList<>();
    layers.forEach(
        layer ->
            active.forEach(
                name -> {
                  double before = layer.scale(name);
                  layer.scale(name, before * factor);
                  back.add(() -> layer.scale(name, before));
                }));
    return () -> back.forEach(Runnable::run);
  }

  // ---- merging

  void merge(boolean safe, List<String> names) {
    requireKnown(names);
    layers.requireOneCopy(names);
    if (isMerged() && merged.equals(names)) {
      return;
    }
    unmerge();
    try {
      layers.merge(names, safe);
      merged = List.copyOf(names);
    } catch (RuntimeException | Error e) {
      layers.unmerge();
      throw e;
    }
  }

  void unmerge() {
    layers.unmerge();
    merged = List.of();
  }
}
