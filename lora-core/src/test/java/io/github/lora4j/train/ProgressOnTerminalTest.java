package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ProgressOnTerminalTest {

  private static StepInfo step(int number) {
    return new StepInfo(number, 10, number / 10.0, 2.5, 1.0, 1e-3, 8, 16);
  }

  @Test
  void logLinesStandOnLinesOfTheirOwnAboveTheBar() {
    StringWriter terminal = new StringWriter();
    LogRow first = new LogRow(4, 0.4, Map.of("loss", 2.5));
    LogRow second = new LogRow(8, 0.8, Map.of("loss", 1.5));

    try (Progress progress = ProgressOnTerminal.open(10, new PrintWriter(terminal))) {
      progress.step(step(4));
      progress.row(first);
      progress.step(step(8));
      progress.row(second);
      progress.step(step(10));
    }

    String written = terminal.toString();
    String newline = System.lineSeparator();
    for (LogRow row : new LogRow[] {first, second}) {
      assertThat(written).containsPattern("\r" + Pattern.quote(row.toString()) + " *" + newline);
    }
    String lastLine = written.substring(written.lastIndexOf('\r'));
    assertThat(lastLine).contains("training").contains("10/10").contains("loss 2.5");
    assertThat(lastLine).endsWith(newline);
  }
}
