package io.github.lora4j.quant.optim;

import io.github.lora4j.internal.quant.Blockwise8Bit;
import java.util.Arrays;

/**
 * Codes optimizer states in 8 bits, to the byte as bitsandbytes' optimizer kernels do on CUDA:
 * {@code quantize_2D} of {@code csrc/kernels.cu}.
 *
 * <p>That searches 256 values of which neighbours are from one hundred-millionth to one hundredth
 * apart. Here the leading bits of a number say at once between which two it lies. Safe for use from
 * several threads.
 */
final class StateCode {

  static final StateCode SIGNED = new StateCode(true);
  static final StateCode UNSIGNED = new StateCode(false);

  /** Leaves the sign, the exponent and 7 bits behind it: finer than the map is anywhere. */
  private static final int DROPPED_BITS = 16;

  private static final int KEYS = 1 << (Float.SIZE - DROPPED_BITS);

  private final float[] map;
  private final float[] lastOf = new float[256]; // the largest number with a code
  private final byte[] smallest = new byte[KEYS]; // the code of the least number with a key
  private final boolean signed;
  private final byte zero;

  private StateCode(boolean signed) {
    this.signed = signed;
    map = Blockwise8Bit.dynamicMap(signed);
    zero = (byte) Arrays.binarySearch(map, 0f);
    for (int code = 0; code < 255; code++) {
      float middle = (map[code + 1] + map[code]) * 0.5f;
      // The search ends at an even code and looks from there at its neighbour: ties stay there.
      lastOf[code] = code % 2 == 0 ? middle : Math.nextDown(middle);
    }
    lastOf[255] = Float.POSITIVE_INFINITY;
    for (int key = 0; key < KEYS; key++) {
      boolean negative = key >= KEYS / 2;
      int bits = negative ? (key + 1 << DROPPED_BITS) - 1 : key << DROPPED_BITS;
      smallest[key] = (byte) search(Float.intBitsToFloat(bits));
    }
  }

  private int search(float value) {
    int code = Arrays.binarySearch(lastOf, value);
    return Math.min(255, code < 0 ? -code - 1 : code);
  }

  /** The number that a code stands for, before scaling. */
  float value(byte code) {
    return map[code & 0xff];
  }

  /** The code of a number. */
  byte codeOf(float value) {
    int code = smallest[Float.floatToRawIntBits(value) >>> DROPPED_BITS] & 0xff;
    return (byte) (value > lastOf[code] ? code + 1 : code);
  }

  /** Decodes a block of states that was scaled by its largest magnitude. */
  void decode(byte[] codes, float absmax, float[] states, int count) {
    for (int i = 0; i < count; i++) {
      states[i] = map[codes[i] & 0xff] * absmax;
    }
  }

  /**
   * Codes a block of states.
   *
   * @return its largest magnitude
   */
  float encode(float[] states, byte[] codes, int count) {
    float absmax = 0;
    for (int i = 0; i < count; i++) {
      absmax = Math.max(absmax, Math.abs(states[i]));
    }
    if (absmax == 0) {
      Arrays.fill(codes, 0, count, zero);
      return 0;
    }
    for (int i = 0; i < count; i++) {
      byte code = codeOf(states[i] / absmax);
      codes[i] = signed ? withSignOf(states[i], code) : code;
    }
    return absmax;
  }

  /** A negative number near zero must not become zero, or its direction would be forgotten. */
  private byte withSignOf(float state, byte code) {
    boolean same = (Float.floatToRawIntBits(state) ^ Float.floatToRawIntBits(value(code))) >= 0;
    return same ? code : (byte) (state > 0 ? code + 1 : code - 1);
  }
}
