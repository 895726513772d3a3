package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/** Tells how adapters stand. */
final class StatusReport {

  private StatusReport() {}

  static List<LayerStatus> ofLayers(
      AdaptedLayers layers, boolean enabled, List<String> active, List<String> merged) {
    List<LayerStatus> all = new ArrayList<>();
    for (AdaptedLayer layer : layers.all()) {
      Map<String, Consistency> learns = new LinkedHashMap<>();
      Map<String, List<String>> devices = new LinkedHashMap<>();
      for (String adapter : layer.adapters()) {
        List<Tensor> parameters = new ArrayList<>();
        layer.forEachParameter(adapter, parameters::add);
        // Nothing learns of a table that a file brings.
        if (!parameters.isEmpty()) {
          learns.put(
              adapter, Consistency.of(parameters.stream().map(Tensor::requiresGrad).toList()));
          devices.put(
              adapter, parameters.stream().map(t -> t.device().toString()).distinct().toList());
        }
      }
      if (!learns.isEmpty()) {
        all.add(
            new LayerStatus(
                layer.name(),
                layer.baseType(),
                enabled,
                active,
                merged.stream().filter(learns::containsKey).toList(),
                learns,
                List.copyOf(learns.keySet()),
                devices));
      }
    }
    return List.copyOf(all);
  }

  static ModelStatus ofModel(
      String baseType,
      Collection<String> adapters,
      List<LayerStatus> layers,
      Map<String, Tensor> trainable,
      long all,
      boolean enabled,
      List<String> active,
      List<String> merged) {
    Map<String, String> types = new LinkedHashMap<>();
    Map<String, Consistency> learns = new LinkedHashMap<>();
    Map<String, List<String>> devices = new LinkedHashMap<>();
    for (String adapter : adapters) {
      types.put(adapter, AdapterConfigKeys.LORA);
      learns.put(adapter, consistency(layers, adapter));
      devices.put(adapter, union(layers, layer -> layer.devices().get(adapter)));
    }
    return new ModelStatus(
        baseType,
        "LoraModel",
        types,
        trainable.values().stream().mapToLong(Tensor::numel).sum(),
        all,
        layers.size(),
        enabled,
        active,
        merged,
        learns,
        List.copyOf(new TreeSet<>(adapters)),
        devices);
  }

  private static Consistency consistency(List<LayerStatus> layers, String adapter) {
    Set<Consistency> found = new LinkedHashSet<>();
    layers.stream()
        .filter(layer -> layer.availableAdapters().contains(adapter))
        .forEach(layer -> found.add(layer.requiresGrad().get(adapter)));
    return found.size() == 1 ? found.iterator().next() : Consistency.IRREGULAR;
  }

  private static List<String> union(
      List<LayerStatus> layers, Function<LayerStatus, List<String>> devices) {
    Set<String> all = new TreeSet<>();
    layers.stream()
        .filter(layer -> devices.apply(layer) != null)
        .forEach(layer -> all.addAll(devices.apply(layer)));
    return List.copyOf(all);
  }
}
