package io.github.lora4j.internal.quant;

import java.util.stream.IntStream;

/**
 * Shares work among the processors: the caller and the common pool, whose threads are daemons and
 * as many as there are processors.
 */
final class Parallel {

  private Parallel() {}

  /** A part of the work. */
  interface Part {

    /** Does what lies in {@code [from, to)}. */
    void run(long from, long to);
  }

  /**
   * Cuts {@code [0, count)} into parts of a size and does all of them.
   *
   * @param size of a part; the last one may be shorter
   */
  static void run(long count, long size, Part part) {
    int parts = Math.toIntExact((count + size - 1) / size);
    if (parts == 1) {
      part.run(0, count);
      return;
    }
    IntStream.range(0, parts)
        .parallel()
        .forEach(i -> part.run(i * size, Math.min(count, (i + 1) * size)));
  }
}
