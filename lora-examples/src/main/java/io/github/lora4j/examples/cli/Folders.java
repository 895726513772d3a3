package io.github.lora4j.examples.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Sees to it that results can be written before anything is computed, and harm nothing. */
final class Folders {

  private Folders() {}

  /**
   * Sees to it that the file of the results replaces nothing that the command reads.
   *
   * @param input a file, or the folder of a model or adapter, whose weights must stay as they are
   */
  static void requireElsewhere(Path output, Path input) {
    try {
      Path folder = output.toAbsolutePath().getParent();
      boolean among = folder != null && isSame(folder, input) && isWeights(output);
      if (among || isSame(output, input)) {
        throw new IllegalArgumentException(
            "--output "
                + output
                + " is one of the inputs, and would be overwritten: choose another");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isWeights(Path file) {
    return file.getFileName().toString().matches("(adapter_)?model.*");
  }

  private static boolean isSame(Path one, Path other) throws IOException {
    return Files.exists(one) && Files.exists(other) && Files.isSameFile(one, other);
  }

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
