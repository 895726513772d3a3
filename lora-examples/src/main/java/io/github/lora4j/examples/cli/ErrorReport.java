package io.github.lora4j.examples.cli;

import io.github.lora4j.error.LoraException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Optional;

/** Puts a failure into words: for users what they can mend, for us where it happened. */
final class ErrorReport {

  private ErrorReport() {}

  /**
   * One line where the user can do something about it, else a stack trace.
   *
   * @param verbose whether the stack trace is wanted in any case
   */
  static String of(Exception e, boolean verbose) {
    Optional<String> mendable = mendable(e);
    StringWriter report = new StringWriter();
    try (PrintWriter lines = new PrintWriter(report)) {
      lines.println("error: " + mendable.orElse("unexpected " + e));
      if (verbose || mendable.isEmpty()) {
        e.printStackTrace(lines);
      }
    }
    return report.toString();
  }

  private static Optional<String> mendable(Exception e) {
    if (e instanceof IOException io) {
      return Optional.of(describe(io));
    }
    if (e instanceof UncheckedIOException unchecked) {
      return Optional.of(describe(unchecked));
    }
    return e instanceof LoraException || e instanceof IllegalArgumentException
        ? Optional.ofNullable(e.getMessage())
        : Optional.empty();
  }

  /** The message, and what Java's own leave out of it: that a file is not there, say. */
  private static String describe(UncheckedIOException e) {
    IOException cause = e.getCause();
    String message = e.getMessage();
    if (message == null || message.equals(cause.toString())) {
      return describe(cause);
    }
    return problem(cause)
        .filter(problem -> cause instanceof FileSystemException f && f.getReason() == null)
        .map(problem -> message + " (" + problem + ")")
        .orElse(message);
  }

  private static String describe(IOException e) {
    if (e instanceof FileSystemException file && file.getFile() != null) {
      String reason = Optional.ofNullable(file.getReason()).orElse(problem(e).orElse("failed"));
      return file.getFile() + ": " + reason;
    }
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }

  private static Optional<String> problem(IOException e) {
    if (e instanceof NoSuchFileException) {
      return Optional.of("no such file or folder");
    }
    if (e instanceof AccessDeniedException) {
      return Optional.of("permission denied");
    }
    if (e instanceof FileAlreadyExistsException) {
      return Optional.of("exists already and is not a folder");
    }
    return e instanceof NotDirectoryException ? Optional.of("is not a folder") : Optional.empty();
  }
}
