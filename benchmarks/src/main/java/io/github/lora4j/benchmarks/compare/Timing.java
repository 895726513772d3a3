package io.github.lora4j.benchmarks.compare;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.stream.DoubleStream;

/** Clocks and medians. */
final class Timing {

  private Timing() {}

  /** Runs something a few times and gives the median in milliseconds of the runs that count. */
  static double medianMs(int warmup, int runs, Runnable work) {
    double[] times = new double[runs];
    for (int i = -warmup; i < runs; i++) {
      long start = System.nanoTime();
      work.run();
      if (i >= 0) {
        times[i] = ms(System.nanoTime() - start);
      }
    }
    return median(DoubleStream.of(times));
  }

  /** The middle number, or the mean of the two in the middle; not a number if there is none. */
  static double median(DoubleStream values) {
    double[] sorted = values.sorted().toArray();
    int half = sorted.length / 2;
    return sorted.length % 2 == 1
        ? sorted[half]
        : Arrays.stream(sorted).skip(Math.max(0, half - 1)).limit(2).average().orElse(Double.NaN);
  }

  /** Seconds since 1970, by the clock that a parent and its children share. */
  static double now() {
    return Duration.between(Instant.EPOCH, Instant.now()).toNanos() / 1e9;
  }

  /** Milliseconds of nanoseconds. */
  static double ms(long nanos) {
    return nanos / 1e6;
  }
}
