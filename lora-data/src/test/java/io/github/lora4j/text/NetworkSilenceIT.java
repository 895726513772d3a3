package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Loading and using a tokenizer tries no connection, whatever the user's settings say. */
class NetworkSilenceIT {

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

  private static List<String> probe(
      String mode, Map<String, String> environment, List<String> options)
      throws IOException, InterruptedException {
    String folder = Tokenizers.tiny("sentencepiece").toString();
    return ChildJvm.run(NetworkProbe.class, environment, options, mode, folder);
  }
}
