package io.github.lora4j.tensor;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * Rows of numbers in the form that {@link RowProduct} reads: feature by feature, a row's number
 * beside the next row's; in bfloat16 two features at a time.
 *
 * <p>Several threads may each pack a stretch of features of one input, and read it when all have.
 */
public final class RowInput implements AutoCloseable {

  private final int rows;
  private final int features;
  private final Tensor packed;
  private final long address;
  private final boolean half;
  private final int[] pairs; // [features / 2, rows]
  private final float[] floats; // [features, rows]
  private final IntBuffer pairsOut;
  private final FloatBuffer floatsOut;

  RowInput(DType dtype, int rows, int features) {
    this.rows = rows;
    this.features = features;
    this.half = dtype == DType.BF16;
    int size = rows * features;
    try (TensorScope scope = TensorScope.open()) {
      this.packed = TensorScope.keep(Tensor.empty(dtype, Device.CPU, rows, features));
    }
    this.address = packed.address();
    this.pairs = new int[half ? size / 2 : 0];
    this.floats = new float[half ? 0 : size];
    this.pairsOut = half ? Rows.pairs(packed) : IntBuffer.allocate(0);
    this.floatsOut = half ? FloatBuffer.allocate(0) : Rows.floats(packed);
  }

  /**
   * Takes new numbers, rounded to the weights' dtype.
   *
   * @param values row-major {@code [rows, features]}
   */
  public void pack(float[] values) {
    pack(values, 0, features);
  }

  /**
   * Takes some features of new numbers.
   *
   * @param values row-major {@code [rows, features]}
   * @param from the first feature; even
   * @param to behind the last; even
   */
  public void pack(float[] values, int from, int to) {
    if (!half) {
      for (int row = 0; row < rows; row++) {
        for (int feature = from; feature < to; feature++) {
          floats[feature * rows + row] = values[row * features + feature];
        }
      }
      floatsOut.put(from * rows, floats, from * rows, (to - from) * rows);
      return;
    }
    for (int row = 0; row < rows; row++) {
      int at = row * features;
      for (int feature = from; feature < to; feature += 2) {
        pairs[feature / 2 * rows + row] = pair(values[at + feature], values[at + feature + 1]);
      }
    }
    pairsOut.put(from / 2 * rows, pairs, from / 2 * rows, (to - from) / 2 * rows);
  }

  /**
   * Takes some features of one row.
   *
   * @param values the new numbers, from the first on
   * @param from the first feature; even
   * @param count how many; even
   */
  public void packRow(int row, float[] values, int from, int count) {
    for (int i = 0; i < count; i += half ? 2 : 1) {
      if (half) {
        pairsOut.put((from + i) / 2 * rows + row, pair(values[i], values[i + 1]));
      } else {
        floatsOut.put((from + i) * rows + row, values[i]);
      }
    }
  }

  /** Two bfloat16 in a word, the first in its lower half. */
  private static int pair(float first, float second) {
    return (Rows.toBfloat16(first) & 0xffff) | (Rows.toBfloat16(second) << 16);
  }

  /** How many numbers a row has. */
  public int features() {
    return features;
  }

  int rows() {
    return rows;
  }

  long address() {
    return address;
  }

  void require(int inputs) {
    if (inputs != features) {
      throw new IllegalArgumentException(
          "x: expected rows of " + inputs + " numbers, found " + features);
    }
  }

  @Override
  public void close() {
    packed.close();
  }
}
