package io.github.lora4j.peft;

import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * What PEFT's {@code add_weighted_adapter} takes beside the {@link CombinationType}.
 *
 * <p>PEFT's {@code svd_full_matrices} and {@code svd_driver} have no counterpart: they choose
 * between ways to the same result.
 *
 * @param svdRank the rank of a decomposition; unset: the largest of the adapters
 * @param svdClamp a quantile in {@code (0, 1]} of the elements of A and B: larger ones are cut to
 *     it, in both signs; unset: none are
 * @param density the share in {@code [0, 1]} of elements that stay, for types that prune
 * @param majoritySignMethod for types that vote
 * @param seed of the elements that {@code DARE} draws, which PEFT takes from the global generator
 */
public record CombinationOptions(
    OptionalInt svdRank,
    OptionalDouble svdClamp,
    OptionalDouble density,
    MajoritySignMethod majoritySignMethod,
    long seed) {

  /** Nothing set, signs by their sum, seed 42. */
  public static final CombinationOptions DEFAULT =
      new CombinationOptions(
          OptionalInt.empty(),
          OptionalDouble.empty(),
          OptionalDouble.empty(),
          MajoritySignMethod.TOTAL,
          42);

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming what is out of range
   */
  public CombinationOptions {
    svdRank.ifPresent(rank -> require(rank > 0, "svdRank: expected at least 1, found " + rank));
    svdClamp.ifPresent(
        clamp ->
            require(clamp > 0 && clamp <= 1, "svdClamp: expected one of (0, 1], found " + clamp));
    density.ifPresent(
        share ->
            require(share >= 0 && share <= 1, "density: expected one of [0, 1], found " + share));
  }

  private static void require(boolean holds, String problem) {
    if (!holds) {
      throw new IllegalArgumentException(problem);
    }
  }

  /** The same with a rank for decompositions. */
  public CombinationOptions withSvdRank(int rank) {
    return new CombinationOptions(
        OptionalInt.of(rank), svdClamp, density, majoritySignMethod, seed);
  }

  /** The same with a quantile to cut decompositions at. */
  public CombinationOptions withSvdClamp(double quantile) {
    return new CombinationOptions(
        svdRank, OptionalDouble.of(quantile), density, majoritySignMethod, seed);
  }

  /** The same with a share of elements that stay. */
  public CombinationOptions withDensity(double share) {
    return new CombinationOptions(
        svdRank, svdClamp, OptionalDouble.of(share), majoritySignMethod, seed);
  }

  /** The same with a way to count signs. */
  public CombinationOptions withMajoritySignMethod(MajoritySignMethod method) {
    return new CombinationOptions(svdRank, svdClamp, density, method, seed);
  }

  /** The same with a seed for what is drawn. */
  public CombinationOptions withSeed(long number) {
    return new CombinationOptions(svdRank, svdClamp, density, majoritySignMethod, number);
  }
}
