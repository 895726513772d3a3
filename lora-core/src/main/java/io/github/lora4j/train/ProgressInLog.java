package io.github.lora4j.train;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Plain lines for files, pipes and servers. */
final class ProgressInLog implements Progress {

  private static final Logger LOG = LoggerFactory.getLogger(Trainer.class);

  private final int maxSteps;

  ProgressInLog(int maxSteps) {
    this.maxSteps = maxSteps;
  }

  @Override
  public void step(StepInfo step) {}

  @Override
  public void row(LogRow row) {
    LOG.info("step {}/{} {}", row.step(), maxSteps, row);
  }

  @Override
  public void close() {}
}
