package io.github.lora4j.train;

import io.github.lora4j.internal.text.Terminal;
import java.io.Console;
import java.util.Optional;

/** Shows a run to whoever started it. */
interface Progress extends AutoCloseable {

  /** A progress bar if a person at a terminal can see it and it is wanted, else plain log lines. */
  static Progress open(TrainingArguments args, int maxSteps) {
    Optional<Console> terminal = args.disableTqdm() ? Optional.empty() : Terminal.console();
    return terminal
        .<Progress>map(console -> ProgressOnTerminal.open(maxSteps, console.writer()))
        .orElseGet(() -> new ProgressInLog(maxSteps));
  }

  /** An update is done. */
  void step(StepInfo step);

  /** A log line was written. */
  void row(LogRow row);

  @Override
  void close();
}
