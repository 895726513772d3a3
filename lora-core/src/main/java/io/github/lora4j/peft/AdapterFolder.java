package io.github.lora4j.peft;

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
   */
  static void write(
      Path folder,
      DecoderModel base,
      BaseLayers baseLayers,
      Adapter adapter,
      AdaptedLayers layers,
      boolean plain) {
    LoraConfig config = plain ? plain(adapter.config()) : adapter.config();
    List<AdaptedLinear> own =
        layers.linears().stream()
            .filter(layer -> layer.update(adapter.name()).isPresent())
            .toList();
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
        plain && adapter.config().initLoraWeights().changesBase());
    ModelCard.write(folder, complete);
    AdapterConfigWriter.write(
        folder, complete, adapter.matched().targetModules(), Optional.of(pythonClass(base)));
  }

  /** The configuration of an adapter that has what it began with subtracted in it. */
  private static LoraConfig plain(LoraConfig config) {
    if (!config.initLoraWeights().changesBase()) {
      return config;
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
