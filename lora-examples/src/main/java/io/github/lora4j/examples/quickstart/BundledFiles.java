package io.github.lora4j.examples.quickstart;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The tiny model and its tables, which travel in the jar and are used as plain files. */
public final class BundledFiles {

  /** The system message of the task. */
  public static final String SYSTEM =
      "You are a guide who knows many places. Answer 1 if at least one of the places meets the"
          + " requirement, and 0 if none does.";

  /** The template of the task. */
  public static final String TEMPLATE = "Requirement: {requirement}\nPlaces: {places}\nAnswer:\n";

  /** The column with the answer. */
  public static final String COMPLETION = "answer";

  private static final List<String> MODEL_FILES =
      List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json");

  private BundledFiles() {}

  /** Copies the model into a folder of that name below {@code folder}. */
  public static Path extractModel(Path folder) {
    Path model = folder.resolve("tiny-places");
    MODEL_FILES.forEach(name -> copy("/models/tiny-places/" + name, model.resolve(name)));
    return model;
  }

  /** Copies the table to train on into {@code folder}. */
  public static Path extractTrainingData(Path folder) {
    return copy("/data/places-train.csv", folder.resolve("places-train.csv"));
  }

  /** Copies the held-out table into {@code folder}. */
  public static Path extractTestData(Path folder) {
    return copy("/data/places-test.csv", folder.resolve("places-test.csv"));
  }

  private static Path copy(String resource, Path file) {
    try (InputStream in = BundledFiles.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(resource + " is missing from the jar");
      }
      Files.createDirectories(file.getParent());
      Files.write(file, in.readAllBytes());
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + file, e);
    }
  }
}
