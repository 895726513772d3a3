package io.github.lora4j.generate;

import java.util.Arrays;
import java.util.BitSet;

/** The different tokens that a sequence, prompt included, holds so far. */
final class SeenTokens {

  private final BitSet seen = new BitSet();
  private int[] distinct;
  private int count;

  SeenTokens(int[] prompt) {
    distinct = new int[Math.max(16, prompt.length)];
    for (int id : prompt) {
      add(id);
    }
  }

  void add(int id) {
    if (seen.get(id)) {
      return;
    }
    seen.set(id);
    if (count == distinct.length) {
      distinct = Arrays.copyOf(distinct, 2 * count);
    }
    distinct[count++] = id;
  }

  int count() {
    return count;
  }

  int get(int index) {
    return distinct[index];
  }
}
