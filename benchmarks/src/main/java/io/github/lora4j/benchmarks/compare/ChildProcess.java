package io.github.lora4j.benchmarks.compare;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Runs a fresh process to its end. */
final class ChildProcess {

  private static final int SHOWN_LINES = 15;

  private ChildProcess() {}

  /** The JVM that runs this one, without any flags, as a user starts it. */
  static List<String> java(Class<?> main, String... args) {
    return java(List.of(), main, args);
  }

  /** The same with flags. */
  static List<String> java(List<String> flags, Class<?> main, String... args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(Arrays.asList(args));
    return command;
  }

  /**
   * Starts a process, gives it its input and waits.
   *
   * @return what it wrote to standard output
   * @throws IOException with the end of its standard error, if it can't be started or fails
   */
  static String run(List<String> command, Map<String, String> environment, String input)
      throws IOException, InterruptedException {
    Path errors = Files.createTempFile("lora4j-benchmark", ".log");
    try {
      ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
      builder.environment().putAll(environment);
      Process process = builder.start();
      try (OutputStream stdin = process.getOutputStream()) {
        stdin.write(input.getBytes(StandardCharsets.UTF_8));
      }
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int status = process.waitFor();
      if (status != 0) {
        throw new IOException("exit status " + status + "\n" + end(errors));
      }
      return output;
    } finally {
      Files.deleteIfExists(errors);
    }
  }

  private static String end(Path log) throws IOException {
    List<String> lines = Files.readAllLines(log);
    return String.join("\n", lines.subList(Math.max(0, lines.size() - SHOWN_LINES), lines.size()));
  }
}
