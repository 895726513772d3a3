package io.github.lora4j.examples.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads texts that are given as files. */
final class TextSource {

  private TextSource() {}

  /** The whole file, in UTF-8, exactly: a line break at its end counts. */
  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(file + " is not UTF-8: save it in that encoding", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
