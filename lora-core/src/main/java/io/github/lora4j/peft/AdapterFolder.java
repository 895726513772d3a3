package io.github.lora4j.peft;

import io.github.lora4j.model.DecoderModel;
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
      LoraConfig config,
      MatchedModules matched,
      List<LoraLinear> layers) {
    LoraConfig complete = config;
    if (config.baseModelNameOrPath().isEmpty() && base.source().isPresent()) {
      complete = config.toBuilder().baseModelNameOrPath(base.source().get().toString()).build();
    }
    AdapterWeightsFile.write(folder, layers);
    ModelCard.write(folder, complete);
    AdapterConfigWriter.write(
        folder, complete, matched.targetModules(), Optional.of(pythonClass(base)));
  }

  private static AdapterConfigWriter.BaseModelClass pythonClass(DecoderModel base) {
    String type = base.config().modelType();
    return new AdapterConfigWriter.BaseModelClass(
        base.family().causalLmClass(), "transformers.models." + type + ".modeling_" + type);
  }
}
