package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs a main class of the tests in a JVM of its own. */
final class ChildJvm {

  private ChildJvm() {}

  /**
   * Returns what the program prints, to either stream.
   *
   * @param environment variables to set on top of this JVM's, DJL's switches left out
   * @param options for the JVM
   */
  static List<String> run(
      Class<?> main, Map<String, String> environment, List<String> options, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    Path output = Files.createTempFile("child", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().keySet().removeAll(List.of("OPT_OUT_TRACKING", "DJL_OFFLINE"));
    builder.environment().putAll(environment);
    try {
      Process process = builder.start();
      try {
        assertThat(process.waitFor(180, TimeUnit.SECONDS)).as("the child ends").isTrue();
      } finally {
        process.destroyForcibly();
      }
      List<String> lines = Files.readAllLines(output);
      assertThat(process.exitValue()).as(() -> String.join("\n", lines)).isZero();
      return lines;
    } finally {
      Files.delete(output);
    }
  }
}
