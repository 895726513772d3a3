package io.github.lora4j.data;

/**
 * Steele, Lea and Flood's SplitMix64 ("Fast splittable pseudorandom number generators", OOPSLA
 * 2014), written out so that a seed gives the same order on every JVM, now and later.
 */
final class SplitMix64 {

  private long state;

  SplitMix64(long seed) {
    state = seed;
  }

  long nextLong() {
    state += 0x9E3779B97F4A7C15L;
    long z = state;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** Draws from 0 (inclusive) to bound (exclusive), each number equally likely. */
  int nextInt(int bound) {
    while (true) {
      long drawn = nextLong() >>> 1;
      long result = drawn % bound;
      // The last, incomplete run of bound numbers below 2^63 would favour small results.
      if (drawn - result + (bound - 1) >= 0) {
        return (int) result;
      }
    }
  }

  /** Returns the numbers from 0 to size - 1 in random order (Fisher-Yates, from the end). */
  int[] permutation(int size) {
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      order[i] = i;
    }
    for (int i = size - 1; i > 0; i--) {
      int j = nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }
}
