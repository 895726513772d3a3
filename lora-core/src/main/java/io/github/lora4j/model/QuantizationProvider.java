package io.github.lora4j.model;

import java.util.Optional;

/**
 * Reads the {@code quantization_config} of checkpoints; found by {@link java.util.ServiceLoader},
 * so that a module on the class path suffices to load them.
 */
public interface QuantizationProvider {

  /**
   * Reads a configuration.
   *
   * @param quantizationConfig that section of {@code config.json}
   * @return empty where the method isn't this provider's
   * @throws io.github.lora4j.error.CheckpointFormatException if it is, but the section is damaged
   */
  Optional<Quantization> read(ModelConfig quantizationConfig);
}
