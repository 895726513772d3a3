package io.github.lora4j.nn;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import java.util.Arrays;

/**
 * Which experts each token goes to, and with what weight: the best few of a softmax over all
 * (Shazeer et al., 2017).
 *
 * <p>A slot is one of the places {@code token * perToken + choice}.
 *
 * @param weights {@code [tokens, perToken]}, F32, with gradients
 * @param slots I64 {@code [tokens * perToken]}: all slots, those of the first expert first
 * @param tokens I64, the token of each of these
 * @param starts where each expert's slots begin; one more at the end
 */
record Routing(Tensor weights, Tensor slots, Tensor tokens, int[] starts) {

  /**
   * Chooses.
   *
   * @param scores {@code [tokens, experts]}
   * @param normalised whether the weights of a token's experts shall sum to one
   */
  static Routing of(Tensor scores, int perToken, boolean normalised) {
    Tensor wide = scores.to(DType.F32);
    int experts = Math.toIntExact(wide.size(1));
    int[] chosen = best(wide.toFloatArray(), experts, perToken);
    int[] starts = starts(chosen, experts);
    long[] slots = new long[chosen.length];
    long[] tokens = new long[chosen.length];
    int[] next = starts.clone();
    for (int slot = 0; slot < chosen.length; slot++) {
      int place = next[chosen[slot]]++;
      slots[place] = slot;
      tokens[place] = slot / perToken;
    }
    Tensor choice =
        Tensor.of(Arrays.stream(chosen).asLongStream().toArray(), wide.size(0), perToken)
            .to(wide.device());
    // Softmax over the chosen alone is the softmax over all, divided by its sum over the chosen.
    Tensor weights =
        normalised
            ? Functional.softmax(wide.gather(1, choice), -1)
            : Functional.softmax(wide, -1).gather(1, choice);
    return new Routing(
        weights,
        Tensor.of(slots, slots.length).to(wide.device()),
        Tensor.of(tokens, tokens.length).to(wide.device()),
        starts);
  }

  /** How many tokens go to an expert. */
  int count(int expert) {
    return starts[expert + 1] - starts[expert];
  }

  /** An expert's part of something in the order of {@link #slots}. */
  Tensor part(Tensor all, int expert) {
    return all.narrow(0, starts[expert], count(expert));
  }

  /** For each row, the indices of its largest elements, the largest first. */
  static int[] best(float[] scores, int columns, int count) {
    int rows = scores.length / columns;
    int[] best = new int[rows * count];
    for (int row = 0; row < rows; row++) {
      int from = row * count;
      for (int column = 0; column < columns; column++) {
        float score = scores[row * columns + column];
        int place = from + Math.min(column, count);
        while (place > from && Float.compare(scores[row * columns + best[place - 1]], score) < 0) {
          place--;
        }
        if (place < from + count) {
          System.arraycopy(best, place, best, place + 1, from + count - 1 - place);
          best[place] = column;
        }
      }
    }
    return best;
  }

  private static int[] starts(int[] chosen, int experts) {
    int[] starts = new int[experts + 1];
    for (int expert : chosen) {
      starts[expert + 1]++;
    }
    for (int expert = 0; expert < experts; expert++) {
      starts[expert + 1] += starts[expert];
    }
    return starts;
  }
}
