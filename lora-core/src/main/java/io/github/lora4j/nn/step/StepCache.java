package io.github.lora4j.nn.step;

import io.github.lora4j.tensor.RowKernels;
import io.github.lora4j.tensor.RowMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * Keys and values of one layer as a step's products read them: keys as rows, values as columns,
 * each head of each row of the batch by itself, with room for whole blocks of positions.
 */
public final class StepCache implements AutoCloseable {

  /** Positions come in multiples of this. */
  static final int BLOCK = 32;

  private final int kvHeads;
  private final int headDim;
  private final int capacity;
  private final RowMemory keys; // [rows, kvHeads, capacity, headDim]
  private final RowMemory values; // [rows, kvHeads, headDim, capacity]

  /**
   * Takes over what there is.
   *
   * @param keys {@code [rows, kvHeads, length, headDim]}
   * @param values the same shape
   * @param mostPositions that there will be
   */
  public StepCache(RowKernels kernels, Tensor keys, Tensor values, int mostPositions) {
    this.kvHeads = Math.toIntExact(keys.size(1));
    this.headDim = Math.toIntExact(keys.size(3));
    this.capacity = (mostPositions + BLOCK - 1) / BLOCK * BLOCK;
    long rows = keys.size(0);
    long length = keys.size(2);
    try (TensorScope scope = TensorScope.open()) {
      Tensor rowsOfKeys =
          Tensor.zeros(kernels.dtype(), keys.device(), rows, kvHeads, capacity, headDim);
      rowsOfKeys.narrow(2, 0, length).copyInPlace(keys);
      Tensor columns =
          Tensor.zeros(kernels.dtype(), keys.device(), rows, kvHeads, headDim, capacity);
      columns.narrow(3, 0, length).copyInPlace(values.transpose(2, 3));
      this.keys = RowMemory.of(TensorScope.keep(rowsOfKeys.alias()));
      this.values = RowMemory.of(TensorScope.keep(columns.alias()));
    }
  }

  /**
   * Whether Java can write into caches of this size.
   *
   * @param rows of the batch
   */
  public static boolean fits(long rows, long kvHeads, long headDim, long mostPositions) {
    return rows * kvHeads * headDim * (mostPositions + BLOCK) < Integer.MAX_VALUE / 4;
  }

  int capacity() {
    return capacity;
  }

  /** Writes a position of a head. */
  void put(int row, int kvHead, int position, float[] key, float[] value) {
    int head = row * kvHeads + kvHead;
    int from = kvHead * headDim;
    keys.put((head * capacity + position) * headDim, 1, key, from, headDim);
    values.put(head * headDim * capacity + position, capacity, value, from, headDim);
  }

  /** Brings a head's positions into the cache of the processor. */
  void readAhead(int row, int kvHead, int from, int to) {
    int head = (row * kvHeads + kvHead) * capacity * headDim;
    keys.readAhead(head + from * headDim, (to - from) * headDim);
    for (int feature = 0; feature < headDim; feature++) {
      values.readAhead(head + feature * capacity + from, to - from);
    }
  }

  /** The address of a head's keys from some position on, {@code [.., headDim]}. */
  long keys(int row, int kvHead, int position) {
    return keys.address(((row * kvHeads + kvHead) * capacity + position) * headDim);
  }

  /** The address of a head's values from some position on, {@code [headDim, ..]}. */
  long values(int row, int kvHead, int position) {
    return values.address((row * kvHeads + kvHead) * headDim * capacity + position);
  }

  @Override
  public void close() {
    keys.close();
    values.close();
  }
}
