package io.github.lora4j.io.hub;

import io.github.lora4j.internal.text.BarLine;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** One bar for each file that takes long enough to watch. */
final class ProgressBarOnTerminal implements DownloadProgress {

  private static final long SMALL = 1_000_000;

  private final PrintWriter out;
  private String current = "";
  private Optional<Shown> shown = Optional.empty();

  ProgressBarOnTerminal(PrintWriter out) {
    this.out = out;
  }

  @Override
  public synchronized void update(String file, long done, long size) {
    if (!file.equals(current)) {
      close();
      current = file;
      shown = size < SMALL ? Optional.empty() : Optional.of(open(file, done, size));
    }
    shown.ifPresent(s -> s.bar().stepTo(done));
    if (done == size) {
      close();
    }
  }

  private record Shown(ProgressBar bar, BarLine line) {}

  private Shown open(String file, long done, long size) {
    BarLine line = new BarLine(out);
    ProgressBar bar =
        new ProgressBarBuilder()
            .setTaskName(file)
            .setInitialMax(size)
            .setUnit(" MB", 1_000_000)
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(200)
            .startsFrom(done, Duration.ZERO)
            .showSpeed()
            .setConsumer(line)
            .build();
    return new Shown(bar, line);
  }

  @Override
  public synchronized void close() {
    shown.ifPresent(
        s -> {
          s.bar().close();
          s.line().close(); // a bar that is closed before it was drawn once leaves its line open
        });
    shown = Optional.empty();
    current = "";
  }
}
