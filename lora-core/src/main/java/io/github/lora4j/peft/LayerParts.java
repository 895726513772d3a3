package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** What the adapters, by their names, have at one layer of the base; at most one part of a kind. */
final class LayerParts implements AutoCloseable {

  private final Map<String, Map<Class<? extends LayerPart>, LayerPart>> byAdapter =
      new LinkedHashMap<>();

  void put(String adapter, LayerPart part) {
    byAdapter.computeIfAbsent(adapter, name -> new LinkedHashMap<>()).put(part.getClass(), part);
  }

  /** An adapter's part of a kind, if it has one. */
  <T extends LayerPart> Optional<T> get(String adapter, Class<T> kind) {
    return Optional.ofNullable(byAdapter.getOrDefault(adapter, Map.of()).get(kind)).map(kind::cast);
  }

  /** The parts of a kind that these adapters have, in their order. */
  <T extends LayerPart> List<T> of(List<String> adapters, Class<T> kind) {
    return adapters.stream().flatMap(adapter -> get(adapter, kind).stream()).toList();
  }

  /** The adapters that have anything here. */
  Set<String> adapters() {
    return Collections.unmodifiableSet(byAdapter.keySet());
  }

  /** Whether any adapter has a part of a kind. */
  boolean hasAny(Class<? extends LayerPart> kind) {
    return byAdapter.values().stream().anyMatch(parts -> parts.containsKey(kind));
  }

  void forEach(String adapter, Consumer<LayerPart> action) {
    byAdapter.getOrDefault(adapter, Map.of()).values().forEach(action);
  }

  /** Shows what all adapters train, with the names in the live model. */
  void forEachParameter(String module, BiConsumer<String, Tensor> visitor) {
    for (String adapter : adapters()) {
      forEach(
          adapter,
          part ->
              part.forEachParameter(
                  module, (key, t) -> visitor.accept(AdapterNames.inModel(key, adapter), t)));
    }
  }

  /** Frees what an adapter has. */
  void remove(String adapter) {
    forEach(adapter, LayerPart::close);
    byAdapter.remove(adapter);
  }

  void rename(String adapter, String name) {
    Renaming.rename(byAdapter, adapter, name);
  }

  @Override
  public void close() {
    byAdapter.values().forEach(parts -> parts.values().forEach(LayerPart::close));
  }
}
