package io.github.lora4j.train;

import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarStyle;

/** A bar that stays at the bottom of the terminal while the log lines scroll above it. */
final class ProgressOnTerminal implements Progress {

  private final BelowLines consumer;
  private final ProgressBar bar;

  private ProgressOnTerminal(BelowLines consumer, ProgressBar bar) {
    this.consumer = consumer;
    this.bar = bar;
  }

  static ProgressOnTerminal open(int maxSteps, PrintWriter out) {
    BelowLines consumer = new BelowLines(out);
    ProgressBar bar =
        new ProgressBarBuilder()
            .setTaskName("training")
            .setInitialMax(maxSteps)
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(200)
            .setConsumer(consumer)
            .build();
    return new ProgressOnTerminal(consumer, bar);
  }

  @Override
  public void step(StepInfo step) {
    bar.stepTo(step.step());
    bar.setExtraMessage(" loss " + PythonFloat.readable(step.loss()));
  }

  @Override
  public void row(LogRow row) {
    consumer.printAbove(row.toString());
  }

  @Override
  public void close() {
    bar.close();
  }

  /** Writes the bar over itself, and lines in its place so that it moves down by one. */
  private static final class BelowLines implements ProgressBarConsumer {
    private final PrintWriter out;
    // Only asked how wide the terminal is.
    private final ProgressBarConsumer width =
        new ConsoleProgressBarConsumer(new PrintStream(OutputStream.nullOutputStream()));
    private String shown = "";
    private boolean closed;

    BelowLines(PrintWriter out) {
      this.out = out;
    }

    @Override
    public int getMaxRenderedLength() {
      return width.getMaxRenderedLength();
    }

    @Override
    public synchronized void accept(String rendered) {
      if (!closed) {
        shown = rendered;
        out.print("\r" + rendered);
        out.flush();
      }
    }

    synchronized void printAbove(String line) {
      // Spaces wipe out the rest of the bar on terminals without escape sequences too.
      String rest = " ".repeat(Math.max(0, getMaxRenderedLength() - line.length()));
      out.print("\r" + line + rest + System.lineSeparator());
      accept(shown);
      out.flush();
    }

    @Override
    public synchronized void close() {
      if (!closed) {
        closed = true;
        out.println();
        out.flush();
        width.close();
      }
    }
  }
}
