package io.github.lora4j.data;

import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;

/**
 * Puts several samples into one row, so that hardly anything of a batch is padding: TRL's {@code
 * packing}.
 *
 * <pre>{@code
 * Dataset<TokenizedExample> packed = data.train().transform(Packing.of(1024));
 * }</pre>
 *
 * <p>The rows are those of TRL's {@code pack_dataset}, in the same order, but for one thing: it
 * packs a thousand samples at a time, which leaves a gap at the end of each thousand, where this
 * packs them all at once. The order is that of the lengths, so shuffle the packed rows, as the
 * trainer does, and shuffle before packing too if the order of the samples means something.
 *
 * <p>A packed row is an example like any other: a batch of 4 is 4 packed rows. The first label of
 * each sample becomes {@link TokenizedExample#IGNORE_INDEX}, since nothing stands before it; a
 * wrapped row counts as one sample.
 */
public final class Packing implements UnaryOperator<Dataset<TokenizedExample>> {

  private final int maxLength;
  private final PackingStrategy strategy;

  private Packing(int maxLength, PackingStrategy strategy) {
    this.maxLength = maxLength;
    this.strategy = strategy;
  }

  /**
   * Returns a packing into rows of at most this many tokens, by {@link PackingStrategy#BFD}.
   *
   * @throws IllegalArgumentException if it is less than 2
   */
  public static Packing of(int maxLength) {
    if (maxLength < 2) {
      throw new IllegalArgumentException("maxLength must be at least 2, found " + maxLength);
    }
    return new Packing(maxLength, PackingStrategy.BFD);
  }

  /** Returns a packing by this strategy. */
  public Packing strategy(PackingStrategy strategy) {
    return new Packing(maxLength, Objects.requireNonNull(strategy, "strategy"));
  }

  /**
   * Returns the dataset of packed rows.
   *
   * @throws IllegalArgumentException if examples have labels of whole sequences: a classifier reads
   *     one sequence a row
   */
  @Override
  public Dataset<TokenizedExample> apply(Dataset<TokenizedExample> dataset) {
    if (dataset.stream().anyMatch(example -> example.sequenceLabels().isPresent())) {
      throw new IllegalArgumentException(
          dataset
              + ": examples with a label of the whole sequence can't be packed, since a classifier"
              + " reads one sequence a row; leave packing out: padding isn't computed anyway");
    }
    List<TokenizedExample> rows =
        switch (strategy) {
          case BFD -> BestFitDecreasing.pack(dataset, maxLength);
          case WRAPPED -> WrappedRows.pack(dataset, maxLength);
        };
    return Dataset.of(rows, dataset.source() + " (packed)", List.of());
  }
}
