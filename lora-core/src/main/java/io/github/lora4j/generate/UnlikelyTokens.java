package io.github.lora4j.generate;

import java.util.Arrays;

/**
 * Rules out unlikely tokens by setting their scores to negative infinity; each method leaves at
 * least the likeliest.
 */
final class UnlikelyTokens {

  private UnlikelyTokens() {}

  /** Keeps the k highest scores and every score that equals the lowest of them. */
  static void topK(float[] scores, int k) {
    if (k >= scores.length) {
      return;
    }
    float threshold = kthHighest(scores, k);
    for (int i = 0; i < scores.length; i++) {
      if (scores[i] < threshold) {
        scores[i] = Float.NEGATIVE_INFINITY;
      }
    }
  }

  /**
   * Keeps the likeliest tokens until their probabilities reach p, the one that reaches it included.
   *
   * <p>Like the Python counterpart it looks from the other end: a token goes if it and all less
   * likely ones together have at most 1 - p. Of equal scores, those of lower ids go first.
   */
  static void topP(float[] scores, double p) {
    float limit = (float) (1 - p);
    double highest = max(scores);
    double total = 0;
    for (float score : scores) {
      total += exponential(score - highest);
    }
    // Tokens below limit / vocab sum to less than the limit, so they all go, and only the rest,
    // mostly a small part of the vocabulary, has to be sorted.
    double cutoff = highest + Math.log(0.999 * limit / scores.length * total);
    long[] candidates = new long[Math.min(scores.length, 1024)];
    int count = 0;
    double below = 1;
    for (int i = 0; i < scores.length; i++) {
      if (scores[i] < cutoff || scores[i] == Float.NEGATIVE_INFINITY) {
        scores[i] = Float.NEGATIVE_INFINITY;
      } else {
        if (count == candidates.length) {
          candidates = Arrays.copyOf(candidates, Math.min(scores.length, 2 * count));
        }
        candidates[count++] = sortKey(scores[i], i);
        below -= exponential(scores[i] - highest) / total;
      }
    }
    Arrays.sort(candidates, 0, count);
    for (int i = 0; i < count - 1; i++) {
      int id = (int) candidates[i];
      below += (float) (exponential(scores[id] - highest) / total);
      if ((float) below > limit) {
        return;
      }
      scores[id] = Float.NEGATIVE_INFINITY;
    }
  }

  /** Keeps the tokens whose probability is at least p times that of the likeliest. */
  static void minP(float[] scores, double p) {
    double highest = max(scores);
    for (int i = 0; i < scores.length; i++) {
      if (exponential(scores[i] - highest) < p) {
        scores[i] = Float.NEGATIVE_INFINITY;
      }
    }
  }

  /** The highest of scores that are all numbers. */
  static float max(float[] scores) {
    float max = Float.NEGATIVE_INFINITY;
    for (float score : scores) {
      if (score > max) { // Math.max would also look for what isn't a number
        max = score;
      }
    }
    return max;
  }

  /** {@link Math#exp}, without its cost for the many tokens that are ruled out. */
  static double exponential(double x) {
    return x == Double.NEGATIVE_INFINITY ? 0 : Math.exp(x);
  }

  /** Orders by score, then by id, as a plain number. */
  private static long sortKey(float score, int id) {
    int bits = Float.floatToIntBits(score + 0f); // + 0: the two zeros are equal
    int ordered = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
    return ((long) ordered << 32) | id;
  }

  /** The lowest of the k highest scores: they stand in a heap whose root is their lowest. */
  private static float kthHighest(float[] scores, int k) {
    float[] heap = Arrays.copyOf(scores, k);
    for (int i = k / 2 - 1; i >= 0; i--) {
      siftDown(heap, i);
    }
    for (int i = k; i < scores.length; i++) {
      if (scores[i] > heap[0]) {
        heap[0] = scores[i];
        siftDown(heap, 0);
      }
    }
    return heap[0];
  }

  private static void siftDown(float[] heap, int start) {
    float moved = heap[start];
    int hole = start;
    while (true) {
      int child = 2 * hole + 1;
      if (child >= heap.length) {
        break;
      }
      if (child + 1 < heap.length && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= moved) {
        break;
      }
      heap[hole] = heap[child];
      hole = child;
    }
    heap[hole] = moved;
  }
}
