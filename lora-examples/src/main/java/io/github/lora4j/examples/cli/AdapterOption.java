package io.github.lora4j.examples.cli;

import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** An adapter to put around the model, if any. */
final class AdapterOption {

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description =
          "Adapter folder, of the command train or of PEFT: adapter_config.json and"
              + " adapter_model.safetensors.")
  private Optional<Path> adapter = Optional.empty();

  Optional<Path> dir() {
    return adapter;
  }
}
