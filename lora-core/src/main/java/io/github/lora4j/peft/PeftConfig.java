package io.github.lora4j.peft;

import java.nio.file.Path;
import java.util.Optional;

/** What an adapter of some kind is to be: {@code peft.PeftConfig}. */
public sealed interface PeftConfig
    permits LoraConfig, Ia3Config, PromptTuningConfig, PrefixTuningConfig, LnTuningConfig {

  /** The kind of adapter. */
  PeftType peftType();

  /** What the adapted model is for. */
  Optional<TaskType> taskType();

  /** The name or folder of the model that the adapter belongs to. */
  Optional<String> baseModelNameOrPath();

  /** The revision of the base model. */
  Optional<String> revision();

  /**
   * Reads {@code adapter_config.json} out of the folder of a saved adapter of any kind.
   *
   * @throws io.github.lora4j.error.CheckpointFormatException if the file is missing, damaged or has
   *     a value of the wrong type
   * @throws io.github.lora4j.error.AdapterMismatchException if the adapter is of a kind, or needs
   *     something, that is not built
   * @throws java.io.UncheckedIOException if the file can't be read
   */
  static PeftConfig load(Path adapterFolder) {
    return TunerConfigReader.read(adapterFolder);
  }
}
