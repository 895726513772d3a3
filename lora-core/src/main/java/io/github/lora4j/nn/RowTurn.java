package io.github.lora4j.nn;

import io.github.lora4j.tensor.Rows;

/**
 * Cosines and sines of one position a row, as arrays, for heads that are arrays too.
 *
 * @param cos {@code [rows or 1, rotaryDim]}; empty where nothing turns
 * @param sin the same
 * @param rotaryDim how many features of a head turn
 */
public record RowTurn(float[] cos, float[] sin, int rotaryDim) {

  /** What doesn't turn. */
  public static final RowTurn NONE = new RowTurn(new float[0], new float[0], 0);

  /** Reads a rotation. */
  public static RowTurn of(RotaryEmbedding.Rotation rotation) {
    return new RowTurn(
        Rows.read(rotation.cos()), Rows.read(rotation.sin()), (int) rotation.cos().size(-1));
  }

  /** Turns all heads of a row. */
  void apply(float[] heads, int row, int headDim) {
    int half = rotaryDim / 2;
    int angles = cos.length == rotaryDim ? 0 : row * rotaryDim; // one position for all rows
    for (int head = 0; head < heads.length; head += headDim) {
      for (int i = 0; i < half; i++) {
        float a = heads[head + i];
        float b = heads[head + half + i];
        heads[head + i] = a * cos[angles + i] - b * sin[angles + i];
        heads[head + half + i] = b * cos[angles + half + i] + a * sin[angles + half + i];
      }
    }
  }
}
