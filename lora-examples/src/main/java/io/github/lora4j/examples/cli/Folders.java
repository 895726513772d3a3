package io.github.lora4j.examples.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Sees to it that results can be written before anything is computed, and harm nothing. */
final class Folders {

  private Folders() {}

  /**
   * Makes the folder of the results.
   *
   * @param inputs folders that must stay as they are
   */
  static void prepareOutput(Path output, Path... inputs) {
    try {
      Files.createDirectories(output);
      for (Path input : inputs) {
        if (Files.exists(input) && Files.isSameFile(input, output)) {
          throw new IllegalArgumentException(
              "--output " + output + " is an input too, and would be overwritten: choose another");
        }
      }
      if (!Files.isWritable(output)) {
        throw new IllegalArgumentException("--output " + output + " can't be written to");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
