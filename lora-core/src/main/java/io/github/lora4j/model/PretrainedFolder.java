package io.github.lora4j.model;

import io.github.lora4j.io.AtomicFile;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.io.CheckpointWriter;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes a model as a folder that transformers, and this library, load. */
final class PretrainedFolder {

  /**
   * What belongs to a model beside its weights; copied by name, so that nothing else of a folder
   * spreads.
   */
  private static final List<String> COMPANIONS =
      List.of(
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "tokenizer.model",
          "spiece.model",
          "sentencepiece.bpe.model",
          "chat_template.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "merges.txt",
          "chat_template.jinja");

  private static final String CHAT_TEMPLATES = "additional_chat_templates";

  private PretrainedFolder() {}

  /**
   * Writes a model.
   *
   * @param source the folder that it was loaded from
   * @param carried how the names begin of that folder's tensors that are written, too
   */
  static void write(
      Path dir,
      ModelConfig config,
      Map<String, Tensor> parameters,
      Optional<Path> source,
      List<String> carried) {
    try (TensorScope scope = TensorScope.open()) {
      Files.createDirectories(dir);
      Map<String, Tensor> all = new LinkedHashMap<>(parameters);
      if (!carried.isEmpty() && source.isPresent()) {
        addCarried(all, source.get(), carried);
      }
      CheckpointWriter.write(dir, all);
      AtomicFile.writeString(dir.resolve("config.json"), config.toJson());
      // The folder may be gone by now: a loaded model doesn't need it.
      if (source.isPresent()
          && Files.isDirectory(source.get())
          && !Files.isSameFile(source.get(), dir)) {
        for (String name : COMPANIONS) {
          copy(source.get().resolve(name), dir);
        }
        copyTemplates(source.get().resolve(CHAT_TEMPLATES), dir.resolve(CHAT_TEMPLATES));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "The model could not be written to " + dir + ": " + e.getMessage(), e);
    }
  }

  private static void addCarried(Map<String, Tensor> tensors, Path source, List<String> carried) {
    if (!Files.isDirectory(source)) {
      throw new IllegalStateException(
          source
              + " is gone, and with it the tensors "
              + carried.get(0)
              + "* that belong into a saved model and are not loaded with its text.");
    }
    try (Checkpoint checkpoint = Checkpoint.open(source)) {
      for (String name : checkpoint.names()) {
        if (carried.stream().anyMatch(name::startsWith)) {
          tensors.put(name, checkpoint.tensor(name));
        }
      }
    }
  }

  private static void copyTemplates(Path from, Path to) throws IOException {
    if (!Files.isDirectory(from)) {
      return;
    }
    Files.createDirectories(to);
    try (DirectoryStream<Path> templates = Files.newDirectoryStream(from, "*.jinja")) {
      for (Path template : templates) {
        copy(template, to);
      }
    }
  }

  private static void copy(Path file, Path dir) throws IOException {
    if (Files.isRegularFile(file)) {
      AtomicFile.writeBytes(dir.resolve(file.getFileName()), Files.readAllBytes(file));
    }
  }
}
