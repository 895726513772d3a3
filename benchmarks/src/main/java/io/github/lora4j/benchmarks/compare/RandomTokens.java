package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.SequenceLabels;
import io.github.lora4j.data.TokenizedExample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Random token ids, the same ones on both sides: SplitMix64 (Steele, Lea and Flood, "Fast
 * splittable pseudorandom number generators", 2014), as {@code shared.py} has it.
 */
final class RandomTokens {

  /** What shorter rows are filled up with. */
  static final int PAD_ID = 0;

  private static final long SEED = 1;

  /** Ids below this are left to special tokens. */
  private static final int FIRST_ID = 10;

  // Lengths are log-normal with this spread. The mean is 120 once they are clipped at 8 and 512.
  private static final double SIGMA = 0.8;
  private static final double MU = 4.49054;
  private static final int SHORTEST = 8;

  private final int vocabSize;
  private long state = SEED;

  /** Starts from the beginning. */
  RandomTokens(int vocabSize) {
    this.vocabSize = vocabSize;
  }

  /** The next ids. */
  int[] ids(int count) {
    int[] ids = new int[count];
    for (int i = 0; i < count; i++) {
      ids[i] = FIRST_ID + (int) Long.remainderUnsigned(next(), vocabSize - FIRST_ID);
    }
    return ids;
  }

  /** Full rows in which every token is supervised. */
  Batch batch(int rows, int length) {
    int[] ids = ids(rows * length);
    int[] mask = new int[ids.length];
    Arrays.fill(mask, 1);
    return new Batch(rows, length, ids, mask, ids);
  }

  /** Rows of one length. */
  int[][] prompts(int rows, int length) {
    int[][] prompts = new int[rows][];
    Arrays.setAll(prompts, row -> ids(length));
    return prompts;
  }

  /** Examples of realistic lengths whose last fifth is supervised. */
  List<TokenizedExample> examples(int count, int longest) {
    List<TokenizedExample> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int length = length(longest);
      int[] ids = ids(length);
      int[] labels = ids.clone();
      int supervised = Math.max(1, (length + 2) / 5);
      Arrays.fill(labels, 0, length - supervised, TokenizedExample.IGNORE_INDEX);
      examples.add(new TokenizedExample(ids, labels));
    }
    return examples;
  }

  /** Examples of realistic lengths, of one class each, in turn. */
  List<TokenizedExample> labelled(int count, int longest, int classes) {
    List<TokenizedExample> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      examples.add(
          TokenizedExample.labelled(ids(length(longest)), SequenceLabels.ofClass(i % classes)));
    }
    return examples;
  }

  private int length(int longest) {
    // Box and Muller's method.
    double radius = Math.sqrt(-2 * Math.log(1 - fraction()));
    double normal = radius * Math.cos(2 * Math.PI * fraction());
    int length = (int) Math.floor(Math.exp(MU + SIGMA * normal) + 0.5);
    return Math.max(SHORTEST, Math.min(longest, length));
  }

  private double fraction() {
    return (next() >>> 11) * 0x1p-53;
  }

  private long next() {
    state += 0x9E3779B97F4A7C15L;
    long z = state;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
