package io.github.lora4j.peft;

import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.nn.LinearLayer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The modules of a model that is to get an adapter. */
final class BaseLayers {

  private final DecoderModel base;
  private final Map<String, LinearLayer> linears = new LinkedHashMap<>();

  private BaseLayers(DecoderModel base) {
    this.base = base;
    base.linearLayers().forEach(layer -> linears.put(layer.name(), layer));
  }

  /**
   * Looks at a model.
   *
   * @throws IllegalStateException if an adapter can't stand around it: it has one already, or
   *     learns itself
   */
  static BaseLayers of(DecoderModel base) {
    BaseLayers layers = new BaseLayers(base);
    if (layers.linears.values().stream().anyMatch(LoraLinear.class::isInstance)) {
      throw new IllegalStateException(
          "This model is seen through an adapter already; wrap its baseModel(), or what"
              + " mergeAndUnload() gives.");
    }
    if (!base.trainableParameters().isEmpty()) {
      throw new IllegalStateException(
          "The base model's own parameters are set to learn, and an adapter needs them frozen: call"
              + " requiresGrad(false) on it first.");
    }
    return layers;
  }

  /** The linear layer of a target. */
  LinearLayer linear(AdapterTarget target) {
    return Objects.requireNonNull(linears.get(target.module()), target.module());
  }

  MatchedModules match(LoraConfig config, NameCheck check) {
    List<ModuleEntry> modules =
        base.moduleNames().stream().map(name -> new ModuleEntry(name, kind(name))).toList();
    return ModuleMatcher.match(modules, config, base.family().defaultTargetModules(), check);
  }

  private ModuleEntry.Kind kind(String name) {
    if (name.equals(base.headName())) {
      return ModuleEntry.Kind.OUTPUT_HEAD;
    }
    if (linears.containsKey(name)) {
      return ModuleEntry.Kind.LINEAR;
    }
    return name.equals(base.spec().embedding().name())
        ? ModuleEntry.Kind.EMBEDDING
        : ModuleEntry.Kind.OTHER;
  }
}
