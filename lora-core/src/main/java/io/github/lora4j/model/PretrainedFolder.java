package io.github.lora4j.model;

import io.github.lora4j.io.CheckpointWriter;
import io.github.lora4j.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes a model as a folder that transformers, and this library, load. */
final class PretrainedFolder {

  /** What belongs to a model beside its weights; copied by name, so that nothing else of a folder spreads. */
  private static final List<String> COMPANIONS =
      List.of(
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "tokenizer.model",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "merges.txt",
          "chat_template.jinja");

  private PretrainedFolder() {}

  static void write(
      Path dir, ModelConfig config, Map<String, Tensor> parameters, Optional<Path> source) {
    try {
      Files.createDirectories(dir);
      CheckpointWriter.write(dir, parameters);
      replace(dir.resolve("config.json"), config.toJson().getBytes(StandardCharsets.UTF_8));
      if (source.isPresent() && !Files.isSameFile(source.get(), dir)) {
        for (String name : COMPANIONS) {
          Path companion = source.get().resolve(name);
          if (Files.isRegularFile(companion)) {
            replace(dir.resolve(name), Files.readAllBytes(companion));
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("The model could not be written to " + dir + ": " + e.getMessage(), e);
    }
  }

  private static void replace(Path file, byte[] content) throws IOException {
    Path temporary = Files.createTempFile(file.toAbsolutePath().getParent(), file.getFileName() + ".", ".tmp");
    try {
      Files.write(temporary, content);
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }
}
