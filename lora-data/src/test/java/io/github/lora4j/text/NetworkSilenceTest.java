package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Loading and using a tokenizer tries no connection, whatever the user's settings say. */
class NetworkSilenceTest {

  @TempDir Path temp;

  @Test
  void triesNoConnection() throws Exception {
    assertThat(probe("ours", Map.of(), List.of()))
        .contains("DECODED they made it", "DONE")
        .noneMatch(line -> line.startsWith("ATTEMPT"));
  }

  @Test
  void triesNoneEvenWhereTheEnvironmentAndPropertiesAskForIt() throws Exception {
    List<String> lines =
        probe(
            "ours",
            Map.of("OPT_OUT_TRACKING", "false", "DJL_OFFLINE", "false"),
            List.of("-DOPT_OUT_TRACKING=false", "-Dai.djl.offline=false"));
    assertThat(lines).contains("DONE").noneMatch(line -> line.startsWith("ATTEMPT"));
  }

  @Test
  void silencesTheRestOfDjlTooOnceATokenizerIsLoaded() throws Exception {
    List<String> lines =
        probe("both", Map.of(), List.of("-DOPT_OUT_TRACKING=false", "-Dai.djl.offline=false"));
    assertThat(lines).contains("DONE").noneMatch(line -> line.startsWith("ATTEMPT"));
  }

  /** Were there nothing to see, the tests above would prove nothing. */
  @Test
  void wouldSeeTheConnectionsThatDjlTriesByItself() throws Exception {
    assertThat(probe("theirs", Map.of(), List.of()))
        .contains("DONE")
        .anyMatch(line -> line.startsWith("ATTEMPT") && line.contains("169.254.169.254"));
  }

  @Test
  void wouldSeeAPlainSocket() throws Exception {
    assertThat(probe("socket", Map.of(), List.of()))
        .contains("REFUSED", "DONE")
        .anyMatch(line -> line.startsWith("ATTEMPT") && line.contains("127.0.0.1"));
  }

  private List<String> probe(String mode, Map<String, String> environment, List<String> options)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.add("-Xmx128m");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(NetworkProbe.class.getName());
    command.add(mode);
    command.add(Tokenizers.tiny("sentencepiece").toString());
    File output = temp.resolve(mode + ".txt").toFile();
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output);
    // The JVM that runs the tests may have been told to be silent itself.
    builder.environment().keySet().removeAll(List.of("OPT_OUT_TRACKING", "DJL_OFFLINE"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    try {
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("the probe ends").isTrue();
    } finally {
      process.destroyForcibly();
    }
    List<String> lines = Files.readAllLines(output.toPath(), StandardCharsets.UTF_8);
    assertThat(process.exitValue()).as(() -> String.join("\n", lines)).isZero();
    return lines;
  }
}
