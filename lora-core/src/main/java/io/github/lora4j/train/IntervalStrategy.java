package io.github.lora4j.train;

/** When something that comes back happens: logging, evaluation, saving. */
public enum IntervalStrategy {
  /** Never. */
  NO,
  /** Every so many updates, and evaluation and saving also after the last update. */
  STEPS,
  /** At the end of each epoch. */
  EPOCH
}
