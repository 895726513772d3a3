package io.github.lora4j.nn.step;

/** A norm of one stretch of numbers, such as a row or a head. */
public interface StepNorm {

  /**
   * Normalises.
   *
   * @param x where the numbers are
   * @param y takes as many; may be {@code x}
   * @param at where they begin in both
   */
  void apply(float[] x, float[] y, int at);

  /** How many numbers a stretch has. */
  int features();

  /** Normalises all stretches of an array. */
  default void applyToAll(float[] x, float[] y) {
    for (int at = 0; at < x.length; at += features()) {
      apply(x, y, at);
    }
  }
}
