package io.github.lora4j.peft;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How several adapters become one: the {@code combination_type} of PEFT's {@code
 * add_weighted_adapter}.
 *
 * <p>Those that end in {@code SVD} work on the change of the weight, {@code scaling * B A}, and
 * decompose the result; the others work on A and B apart, which is faster and, but for {@link
 * #CAT}, only near to it: {@code (A1 + A2)(B1 + B2)} has cross terms.
 */
public enum CombinationType {
  /** The weighted sum of the changes, decomposed: the best adapter of its rank. */
  SVD(Pruning.NONE, false),
  /** The weighted sums of A and of B, of equal ranks. */
  LINEAR(Pruning.NONE, false),
  /** A over A, B beside B: exact; the ranks add up. */
  CAT(Pruning.NONE, false),
  /**
   * The largest elements of each, and of these the ones whose sign prevails, averaged (Yadav et
   * al., 2023); of equal ranks.
   */
  TIES(Pruning.MAGNITUDE, true),
  /** {@link #TIES} on the changes, decomposed. */
  TIES_SVD(Pruning.MAGNITUDE, true),
  /** Elements drawn at random, scaled up, and of these the ones whose sign prevails. */
  DARE_TIES(Pruning.RANDOM, true),
  /** Elements drawn at random, scaled up and summed (Yu et al., 2023); of equal ranks. */
  DARE_LINEAR(Pruning.RANDOM, false),
  /** {@link #DARE_TIES} on the changes, decomposed. */
  DARE_TIES_SVD(Pruning.RANDOM, true),
  /** {@link #DARE_LINEAR} on the changes, decomposed. */
  DARE_LINEAR_SVD(Pruning.RANDOM, false),
  /** The largest elements of each, summed; of equal ranks. */
  MAGNITUDE_PRUNE(Pruning.MAGNITUDE, false),
  /** {@link #MAGNITUDE_PRUNE} on the changes, decomposed. */
  MAGNITUDE_PRUNE_SVD(Pruning.MAGNITUDE, false);

  private final Pruning pruning;
  private final boolean votes;

  /** Which elements stay. */
  enum Pruning {
    NONE,
    MAGNITUDE,
    RANDOM
  }

  CombinationType(Pruning pruning, boolean votes) {
    this.pruning = pruning;
    this.votes = votes;
  }

  /**
   * Reads PEFT's name, such as {@code "ties_svd"}.
   *
   * @throws IllegalArgumentException for another name, with those that are known
   */
  public static CombinationType of(String peftName) {
    for (CombinationType type : values()) {
      if (type.peftName().equals(peftName)) {
        return type;
      }
    }
    throw new IllegalArgumentException(
        Arrays.stream(values())
            .map(CombinationType::peftName)
            .collect(
                Collectors.joining(
                    ", ", "combinationType: expected one of ", ", found \"" + peftName + "\"")));
  }

  /** PEFT's name. */
  public String peftName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** This, or for a single adapter, as in PEFT, {@link #LINEAR}. */
  CombinationType forAdapters(int count) {
    return count == 1 ? LINEAR : this;
  }

  Pruning pruning() {
    return pruning;
  }

  /** Whether elements are dropped whose sign is in the minority. */
  boolean votes() {
    return votes;
  }

  /** Whether the change of the weight is decomposed. */
  boolean decomposes() {
    return name().endsWith("SVD");
  }
}
