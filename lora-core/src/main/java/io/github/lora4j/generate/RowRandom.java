package io.github.lora4j.generate;

/**
 * The random numbers of one sequence: Steele, Lea and Flood's SplitMix64 (OOPSLA 2014), so that a
 * seed draws the same on every JVM.
 *
 * <p>Each row has its own stream, which starts from the seed, the prompt and how many equal prompts
 * stand before it in the batch. So what else is in the batch, and where, changes nothing, while
 * asking the same thing twice in one batch gives two answers.
 */
final class RowRandom {

  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private long state;

  RowRandom(long seed, int[] prompt, int occurrence) {
    long hash = mix(seed + GOLDEN);
    for (int id : prompt) {
      hash = mix((hash ^ id) + GOLDEN);
    }
    state = mix((hash ^ occurrence) + GOLDEN);
  }

  /** Draws uniformly from [0, 1), in steps of 2^-53. */
  double nextDouble() {
    state += GOLDEN;
    return (mix(state) >>> 11) * 0x1.0p-53;
  }

  private static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
