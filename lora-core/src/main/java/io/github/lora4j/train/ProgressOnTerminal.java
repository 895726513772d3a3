package io.github.lora4j.train;

import io.github.lora4j.internal.text.BarLine;
import java.io.PrintWriter;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A bar that stays at the bottom of the terminal while the log lines scroll above it. */
final class ProgressOnTerminal implements Progress {

  private final BarLine consumer;
  private final ProgressBar bar;

  private ProgressOnTerminal(BarLine consumer, ProgressBar bar) {
    this.consumer = consumer;
    this.bar = bar;
  }

  static ProgressOnTerminal open(int maxSteps, PrintWriter out) {
    BarLine consumer = new BarLine(out);
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
}
