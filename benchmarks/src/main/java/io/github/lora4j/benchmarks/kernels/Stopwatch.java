package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.tensor.TensorScope;

/** Adds up the time of calls. */
final class Stopwatch {

  private static final int MIN_REPETITIONS = 5;
  private static final long REPETITION_NANOS = 150_000_000;

  private long nanos;
  private long calls;

  /** The shortest of several calls, for limits; tensors that a call makes are freed. */
  static double bestMs(Runnable work) {
    long start = System.nanoTime();
    long best = Long.MAX_VALUE;
    for (int i = 0; i < MIN_REPETITIONS || System.nanoTime() - start < REPETITION_NANOS; i++) {
      try (TensorScope scope = TensorScope.open()) {
        long before = System.nanoTime();
        work.run();
        best = Math.min(best, System.nanoTime() - before);
      }
    }
    return best / 1e6;
  }

  void time(Runnable call) {
    long before = System.nanoTime();
    call.run();
    nanos += System.nanoTime() - before;
    calls++;
  }

  boolean isEmpty() {
    return calls == 0;
  }

  double meanMs() {
    return nanos / 1e6 / calls;
  }
}
