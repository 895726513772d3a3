package io.github.lora4j.tensor;

/** A weight, or some rows of it, that a few rows of numbers are multiplied by. */
public sealed interface RowProduct extends AutoCloseable permits RowBlockProduct, RowVectorProduct {

  /**
   * Adds {@code x Wᵀ} to sums.
   *
   * @param x packed
   * @param sums as many as the weight has rows
   */
  void addTo(RowInput x, RowSums sums);

  /** How many outputs this computes. */
  int outputs();

  @Override
  void close();
}
