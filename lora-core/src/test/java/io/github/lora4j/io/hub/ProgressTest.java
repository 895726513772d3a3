package io.github.lora4j.io.hub;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.testing.Logs;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressTest {

  @Test
  void theLogNamesLargeFilesWhenTheyBeginAndEnd() {
    String log =
        Logs.of(
            () -> {
              try (ProgressInLog progress = new ProgressInLog()) {
                progress.update("config.json", 0, 500);
                progress.update("config.json", 500, 500);
                progress.update("model.safetensors", 0, 2_500_000_000L);
                progress.update("model.safetensors", 1_000_000, 2_500_000_000L);
                progress.update("model.safetensors", 2_500_000_000L, 2_500_000_000L);
              }
            });
    assertThat(log.lines().map(line -> line.replaceFirst(".* - ", "")))
        .containsExactly(
            "model.safetensors: 0 bytes of 2.5 GB", "model.safetensors: 2.5 GB of 2.5 GB");
  }

  @Test
  void theBarEndsItsLine() {
    StringWriter terminal = new StringWriter();
    try (ProgressBarOnTerminal progress = new ProgressBarOnTerminal(new PrintWriter(terminal))) {
      progress.update("config.json", 0, 500);
      progress.update("config.json", 500, 500);
      progress.update("model.safetensors", 1_000_000, 3_000_000);
      progress.update("model.safetensors", 3_000_000, 3_000_000);
      progress.update("broken.safetensors", 0, 3_000_000);
    }
    List<String> lines = List.of(terminal.toString().strip().split(System.lineSeparator()));
    assertThat(lines).hasSize(2);
    assertThat(lines.get(0)).contains("model.safetensors", "100%", "3/3 MB");
    assertThat(lines.get(1)).contains("broken.safetensors");
  }
}
