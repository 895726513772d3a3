package io.github.lora4j.train;

import java.util.Map;

/** Measures time and writes transformers' speed metrics, of what really ran. */
final class Speed {

  // Keeps rates finite where a clock is too coarse to see any time pass.
  private static final double SHORTEST = 1e-9;

  private final long start = System.nanoTime();

  /** Seconds since this was made. */
  double seconds() {
    return Math.max(SHORTEST, (System.nanoTime() - start) / 1e9);
  }

  /** Adds runtime, samples and steps per second under a prefix such as {@code eval}. */
  static void addTo(
      Map<String, Double> metrics, String prefix, double seconds, long samples, long steps) {
    metrics.put(prefix + "_runtime", rounded(seconds, 1e4));
    metrics.put(prefix + "_samples_per_second", rate(samples, seconds));
    metrics.put(prefix + "_steps_per_second", rate(steps, seconds));
  }

  /** How many there were a second, to three digits behind the point. */
  static double rate(long count, double seconds) {
    return rounded(count / Math.max(SHORTEST, seconds), 1e3);
  }

  private static double rounded(double value, double factor) {
    return Math.rint(value * factor) / factor;
  }
}
