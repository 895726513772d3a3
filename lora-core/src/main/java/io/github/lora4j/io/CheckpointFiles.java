package io.github.lora4j.io;

import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;

/** The names that the files of a Hugging Face checkpoint have, and what lies in such a folder. */
final class CheckpointFiles {

  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  /** Ends the names of files that a save sets aside while it replaces them. */
  static final String REPLACED = "replaced";

  private static final Pattern SHARD = Pattern.compile("model-\\d{5}-of-\\d{5}\\.safetensors");
  private static final List<String> PICKLES =
      List.of("pytorch_model.bin", "pytorch_model.bin.index.json");

  private CheckpointFiles() {}

  static String shard(int number, int count) {
    return "model-%05d-of-%05d.safetensors".formatted(number, count);
  }

  /** The files of this folder that are named as shards are. */
  static List<Path> shards(Path folder) {
    return matching(folder, SHARD);
  }

  /** Says why a folder without a model's files cannot be opened, and what to do. */
  static CheckpointFormatException nothingToOpen(Path folder) {
    String expected = "%s: found neither %s nor %s".formatted(folder, SINGLE, INDEX);
    for (String pickle : PICKLES) {
      if (Files.exists(folder.resolve(pickle))) {
        return new CheckpointFormatException(
            expected
                + ", only "
                + pickle
                + ". That is a Python pickle, which can run code when it is read, so LoRA4J does"
                + " not. Convert it once in Python: AutoModelForCausalLM.from_pretrained(folder)"
                + ".save_pretrained(folder, safe_serialization=True)");
      }
    }
    List<Path> aside = matching(folder, Pattern.compile("\\.model.*\\." + REPLACED));
    if (!aside.isEmpty()) {
      return new CheckpointFormatException(
          expected
              + ". A save was interrupted while it replaced the checkpoint; what was there before"
              + " it is whole, under hidden names: rename "
              + aside
              + " to the names in their middle");
    }
    return new CheckpointFormatException(
        expected + "; a model's folder holds one of them beside config.json");
  }

  private static List<Path> matching(Path folder, Pattern name) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        if (name.matcher(file.getFileName().toString()).matches()) {
          found.add(file);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + folder + ": " + e.getMessage(), e);
    }
    Collections.sort(found);
    return found;
  }
}
