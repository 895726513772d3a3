package io.github.lora4j.examples.cli;

import io.github.lora4j.io.hub.HubOptions;
import io.github.lora4j.io.hub.ModelHub;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** An adapter to put around the model, if any. */
final class AdapterOption {

  @Option(
      names = "--adapter",
      paramLabel = "ADAPTER",
      description =
          "Adapter folder, of the command train or of PEFT (adapter_config.json and"
              + " adapter_model.safetensors), or the name of an adapter on the Hugging Face hub.")
  private Optional<String> adapter = Optional.empty();

  private Optional<Path> folder = Optional.empty();

  /** The adapter's folder; downloads it at the first call if it was named. */
  Optional<Path> dir() {
    if (folder.isEmpty()) {
      folder = adapter.map(name -> ModelHub.resolveAdapter(name, HubOptions.defaults()));
    }
    return folder;
  }
}
