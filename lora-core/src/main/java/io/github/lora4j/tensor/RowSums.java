package io.github.lora4j.tensor;

import java.nio.FloatBuffer;
import java.util.Arrays;

/** What products add up to, float32; belongs to one thread. */
public final class RowSums implements AutoCloseable {

  private final int rows;
  private final int features;
  private final Tensor blocks; // [features, rows]
  private final long address;
  private final FloatBuffer blocksIn;
  private final float[] sums; // of one row
  private final float[] read;
  private boolean inBlocks;
  private boolean inSums;

  RowSums(int rows, int features) {
    this.rows = rows;
    this.features = features;
    try (TensorScope scope = TensorScope.open()) {
      this.blocks = TensorScope.keep(Tensor.empty(DType.F32, Device.CPU, features, rows));
    }
    this.address = blocks.address();
    this.blocksIn = Rows.floats(blocks);
    this.sums = new float[features];
    this.read = new float[rows * features];
  }

  /** Begins anew at zero. */
  public void clear() {
    inBlocks = false;
    inSums = false;
  }

  /** Room for blocks of so many outputs. */
  long blocks(int outputs) {
    requireRoom(outputs);
    return address;
  }

  /** Whether there are sums to add to; there will be. */
  boolean startBlocks() {
    boolean before = inBlocks;
    inBlocks = true;
    return before;
  }

  /** Adds the numbers of one row. */
  void add(float[] values) {
    requireRoom(values.length);
    if (inSums) {
      for (int i = 0; i < values.length; i++) {
        sums[i] += values[i];
      }
    } else {
      System.arraycopy(values, 0, sums, 0, values.length);
      inSums = true;
    }
  }

  /**
   * Writes the sums.
   *
   * @param into row-major
   * @param from where the first row's begin
   * @param stride from one row to the next
   * @param count how many a row has
   */
  public void copyTo(float[] into, int from, int stride, int count) {
    requireRoom(count);
    if (!inBlocks) {
      if (inSums) {
        System.arraycopy(sums, 0, into, from, count);
      } else {
        for (int row = 0; row < rows; row++) {
          Arrays.fill(into, from + row * stride, from + row * stride + count, 0);
        }
      }
      return;
    }
    blocksIn.get(0, read, 0, rows * count);
    for (int row = 0; row < rows; row++) {
      int target = from + row * stride;
      for (int i = 0; i < count; i++) {
        into[target + i] = read[i * rows + row];
      }
    }
    if (inSums) {
      for (int i = 0; i < count; i++) {
        into[from + i] += sums[i];
      }
    }
  }

  private void requireRoom(int outputs) {
    if (outputs > features) {
      throw new IllegalArgumentException(
          "outputs: expected at most " + features + ", found " + outputs);
    }
  }

  @Override
  public void close() {
    blocks.close();
  }
}
