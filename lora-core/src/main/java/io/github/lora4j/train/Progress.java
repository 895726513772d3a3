package io.github.lora4j.train;

/** Shows a run to whoever started it. */
interface Progress extends AutoCloseable {

  /** A progress bar if a person at a terminal can see it and it is wanted, else plain log lines. */
  static Progress open(TrainingArguments args, int maxSteps) {
    return !args.disableTqdm() && ProgressOnTerminal.isTerminal()
        ? ProgressOnTerminal.open(maxSteps, System.err)
        : new ProgressInLog(maxSteps);
  }

  /** An update is done. */
  void step(StepInfo step);

  /** A log line was written. */
  void row(LogRow row);

  @Override
  void close();
}
