package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.io.hub.ModelHub;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.nn.DenseLinear;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Writes an adapter as PEFT lays it out. */
final class AdapterFolder {

  private AdapterFolder() {}

  /**
   * The configuration comes last: a folder without it is no adapter, so a half-written one never
   * loads.
   *
   * @throws LoraException if what the adapter goes with can't be the base as it is
   */
  static void write(
      Path folder,
      DecoderModel base,
      BaseLayers baseLayers,
      Adapter adapter,
      AdaptedLayers layers,
      Beside beside) {
    List<AdaptedLinear> own =
        layers.linears().stream()
            .filter(layer -> layer.update(adapter.name()).isPresent())
            .toList();
    LoraConfig config =
        switch (beside) {
          case ITS_BEGINNING -> adapter.config();
          case THE_BASE -> plain(adapter, own);
          case THE_REST -> rest(adapter.config());
        };
    LoraConfigBuilder filled = config.toBuilder().fanInFanOut(areInputFirst(own));
    if (config.baseModelNameOrPath().isEmpty()) {
      base.source()
          .map(source -> ModelHub.nameOf(source).orElse(source.toString()))
          .ifPresent(filled::baseModelNameOrPath);
    }
    LoraConfig complete = filled.build();
    AdapterWeightsFile.write(
        folder,
        adapter.name(),
        layers,
        baseLayers.contained(adapter.config(), adapter.matched()),
        beside == Beside.THE_BASE && adapter.config().initLoraWeights().changesBase());
    ModelCard.write(folder, complete);
    AdapterConfigWriter.write(
        folder, complete, adapter.matched().targetModules(), Optional.of(pythonClass(base)));
  }

  /** The weights that a written adapter goes with, where its beginning changed the base's. */
  enum Beside {
    /** The base's, from which loading makes the changed ones again. */
    ITS_BEGINNING,
    /** The base's, as they are. */
    THE_BASE,
    /** The changed ones. */
    THE_REST
  }

  /** The configuration for a model whose layers are those that the adapter stands around. */
  private static LoraConfig rest(LoraConfig config) {
    LoraConfigBuilder plain = config.toBuilder().layerReplication();
    return config.initLoraWeights().changesBase()
        ? plain.initLoraWeights(true).build()
        : plain.build();
  }

  /** The configuration of an adapter that has what it began with subtracted in it. */
  private static LoraConfig plain(Adapter adapter, List<AdaptedLinear> own) {
    LoraConfig config = adapter.config();
    if (!config.initLoraWeights().changesBase()) {
      return config;
    }
    for (AdaptedLinear layer : own) {
      if (layer.rounded(adapter.name()).isPresent()) {
        throw new LoraException(
            "%s: adapter \"%s\" began with initLoraWeights \"%s\", which rounded this weight anew; no adapter of low rank makes that undone, so it can't be written for the base as it is: write unload() and saveForUnloaded(), which belong together, or mergeAndUnload()"
                .formatted(layer.name(), adapter.name(), config.initLoraWeights()));
      }
    }
    LoraConfigBuilder builder =
        config.toBuilder()
            .initLoraWeights(true)
            .r(PlainLoraConversion.rank(config.r()))
            .loraAlpha(PlainLoraConversion.alpha(config.loraAlpha(), config.useRslora()));
    config.rankPattern().forEach((key, r) -> builder.rankPattern(key, PlainLoraConversion.rank(r)));
    config
        .alphaPattern()
        .forEach(
            (key, alpha) ->
                builder.alphaPattern(key, PlainLoraConversion.alpha(alpha, config.useRslora())));
    return builder.build();
  }

  private static boolean areInputFirst(List<AdaptedLinear> layers) {
    return layers.stream()
        .anyMatch(layer -> layer.base() instanceof DenseLinear dense && dense.isInputFirst());
  }

  private static AdapterConfigWriter.BaseModelClass pythonClass(DecoderModel base) {
    String type = base.family().modelType();
    return new AdapterConfigWriter.BaseModelClass(
        base.transformersClass(), "transformers.models." + type + ".modeling_" + type);
  }
}
