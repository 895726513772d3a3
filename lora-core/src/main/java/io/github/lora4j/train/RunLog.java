package io.github.lora4j.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sums up the updates since the last loss line, and keeps all lines. */
final class RunLog {

  private static final Logger LOG = LoggerFactory.getLogger(RunLog.class);

  private final List<LogRow> history = new ArrayList<>();
  private double lossSum;
  private long tokens;
  private double seconds;
  private int steps;
  private Optional<StepInfo> last = Optional.empty();
  private boolean saidIncomplete;

  /** Counts an update in. */
  void add(StepInfo step, double updateSeconds) {
    lossSum += step.loss();
    tokens += step.inputTokens();
    seconds += updateSeconds;
    steps++;
    last = Optional.of(step);
  }

  /** Whether there were updates since the last loss line. */
  boolean hasSteps() {
    return steps > 0;
  }

  /** The loss line for the updates since the last one, of which there is one, and a fresh start. */
  LogRow closeWindow() {
    StepInfo step = last.orElseThrow();
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss", lossSum / steps);
    values.put("grad_norm", step.gradNorm());
    values.put("learning_rate", step.learningRate());
    values.put("tokens_per_second", Speed.rate(tokens, seconds));
    PeakMemory peak = PeakMemory.read();
    if (!peak.complete() && !saidIncomplete) {
      saidIncomplete = true;
      LOG.info(
          "peak_memory_mb counts the JVM's own memory only: tensors are not seen on this system");
    }
    values.put("peak_memory_mb", Math.rint(peak.megabytes() * 10) / 10);
    lossSum = 0;
    tokens = 0;
    seconds = 0;
    steps = 0;
    return row(step.step(), step.epoch(), values);
  }

  /** Keeps a line. */
  LogRow row(int step, double epoch, Map<String, Double> values) {
    LogRow row = new LogRow(step, epoch, values);
    history.add(row);
    return row;
  }

  /** All lines so far. */
  List<LogRow> history() {
    return history;
  }
}
