package io.github.lora4j.internal.quant;

import java.util.Arrays;

/**
 * Codes of 8 bits that stand for 256 values, scaled by the largest magnitude of each block: the
 * states of 8-bit optimizers, and the scales of doubly quantized weights.
 *
 * <p>A block is coded and decoded at a time, so that callers choose what runs in parallel. Safe for
 * use from several threads.
 */
public final class Blockwise8Bit {

  /** As many marks, from -1 to 1, as bitsandbytes' CPU kernel rounds values to. */
  private static final int MARKS = 1 << 16;

  private static final int BINS = 1 << 16;

  private static final float BINS_PER_UNIT = BINS / 2;

  /** How a value between two entries of the map gets its code. */
  public enum Rounding {
    /** The nearest entry, the lower one of two equally near: bitsandbytes on CUDA. */
    NEAREST,
    /**
     * The entry nearest to the mark that is nearest to the value, one of 65,536: bitsandbytes on
     * the CPU. A zero becomes the code of a tiny positive number, but a block of zeros the code 0.
     */
    MARKS
  }

  private final float[] map;
  private final float[] thresholds = new float[255];
  private final byte[] codeOfMark = new byte[MARKS];
  private final byte[] codeOfLowerEdge = new byte[BINS];

  private Blockwise8Bit(float[] map) {
    this.map = map;
    for (int i = 0; i < thresholds.length; i++) {
      thresholds[i] = (map[i] + map[i + 1]) / 2;
    }
    for (int mark = 0; mark < MARKS; mark++) {
      codeOfMark[mark] = search(-1 + 2f * mark / (MARKS - 1));
    }
    for (int bin = 0; bin < BINS; bin++) {
      codeOfLowerEdge[bin] = search((bin - 0.5f) / BINS_PER_UNIT - 1);
    }
  }

  /**
   * Codes by a map.
   *
   * @param map 256 values, ascending
   */
  public static Blockwise8Bit of(float[] map) {
    if (map.length != 256) {
      throw new IllegalArgumentException("map: expected 256 values, found " + map.length);
    }
    for (int i = 1; i < map.length; i++) {
      if (!(map[i] >= map[i - 1])) {
        throw new IllegalArgumentException(
            "map: expected ascending values, found "
                + map[i]
                + " at "
                + i
                + " after "
                + map[i - 1]);
      }
    }
    return new Blockwise8Bit(map.clone());
  }

  /**
   * The dynamic map: {@code create_dynamic_map(signed)}, seven magnitudes with more and more
   * fractions each.
   *
   * @param signed from -0.993 to 1 instead of from 0 to 1
   * @return 256 values, ascending
   */
  public static float[] dynamicMap(boolean signed) {
    float[] map = new float[256];
    int next = 0;
    for (int exponent = 0; exponent < 7; exponent++) {
      int fractions = signed ? 1 << exponent : 2 << exponent;
      float magnitude = (float) Math.pow(10, exponent - 6);
      for (int i = 0; i < fractions; i++) {
        float mean = (boundary(i, fractions) + boundary(i + 1, fractions)) / 2;
        map[next++] = magnitude * mean;
        if (signed) {
          map[next++] = -(magnitude * mean);
        }
      }
    }
    map[next++] = 0;
    map[next] = 1;
    Arrays.sort(map);
    return map;
  }

  /** One of the numbers that {@code torch.linspace(0.1, 1, fractions + 1)} makes. */
  private static float boundary(int index, int fractions) {
    float step = (1f - 0.1f) / fractions;
    // Fused as on every x86-64 processor of the last ten years; libtorch without AVX2 rounds twice.
    return index < (fractions + 1) / 2
        ? Math.fma(step, index, 0.1f)
        : Math.fma(-step, fractions - index, 1f);
  }

  /** The 256 values. */
  public float[] map() {
    return map.clone();
  }

  /**
   * Codes a block.
   *
   * @param values from {@code at} on; finite
   * @param count the length of the block
   * @param codes receives the codes from {@code codesAt} on
   * @return the largest magnitude, which the block is scaled by
   */
  public float quantize(
      float[] values, int at, int count, byte[] codes, int codesAt, Rounding rounding) {
    float absmax = 0;
    for (int i = 0; i < count; i++) {
      absmax = Math.max(absmax, Math.abs(values[at + i]));
    }
    if (rounding == Rounding.MARKS) {
      toMarks(values, at, count, absmax, codes, codesAt);
      return absmax;
    }
    float divisor = absmax == 0 ? 1 : absmax;
    for (int i = 0; i < count; i++) {
      codes[codesAt + i] = nearest(values[at + i] / divisor);
    }
    return absmax;
  }

  private void toMarks(float[] values, int at, int count, float absmax, byte[] codes, int codesAt) {
    if (absmax == 0) {
      Arrays.fill(codes, codesAt, codesAt + count, (byte) 0);
      return;
    }
    float scale = 1 / absmax;
    for (int i = 0; i < count; i++) {
      float value = Math.max(-1, Math.min(1, values[at + i] * scale));
      codes[codesAt + i] = codeOfMark[(int) ((value + 1) * 0.5f * (MARKS - 1) + 0.5f)];
    }
  }

  /**
   * Decodes a block: the map's value times the scale.
   *
   * @param codes from {@code at} on
   * @param count the length of the block
   * @param absmax its scale
   * @param values receives the values from {@code valuesAt} on
   */
  public void dequantize(
      byte[] codes, int at, int count, float absmax, float[] values, int valuesAt) {
    for (int i = 0; i < count; i++) {
      values[valuesAt + i] = map[codes[at + i] & 0xff] * absmax;
    }
  }

  /** The value of a code, before scaling. */
  public float value(byte code) {
    return map[code & 0xff];
  }

  /**
   * The code of the nearest value of the map.
   *
   * @param value between -1 and 1
   */
  public byte nearest(float value) {
    int code = codeOfLowerEdge[bin(value)] & 0xff;
    while (code < 255 && value > thresholds[code]) {
      code++;
    }
    return (byte) code;
  }

  private static int bin(float value) {
    return Math.max(0, Math.min(BINS - 1, (int) ((value + 1) * BINS_PER_UNIT)));
  }

  private byte search(float value) {
    int low = 0;
    int high = 255;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (value > thresholds[middle]) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return (byte) low;
  }
}
