package io.github.lora4j.train;

import java.util.List;

/**
 * Where a run stands.
 *
 * @param globalStep updates completed
 * @param maxSteps updates that the run is going to have
 * @param epoch epochs completed, as a fraction
 * @param numTrainEpochs epochs that the run is going to begin
 * @param logHistory the log lines so far, oldest first
 */
public record TrainerState(
    int globalStep, int maxSteps, double epoch, int numTrainEpochs, List<LogRow> logHistory) {

  /** Copies the history. */
  public TrainerState {
    logHistory = List.copyOf(logHistory);
  }
}
