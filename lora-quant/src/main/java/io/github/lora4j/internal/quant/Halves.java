package io.github.lora4j.internal.quant;

/** The two formats of 16 bits, which Java 17 has no type for. */
final class Halves {

  private Halves() {}

  /** Rounds to bfloat16: to the nearest, ties to even. */
  static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (value != value) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /** The value of a bfloat16. */
  static float fromBfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** Rounds to IEEE half precision: to the nearest, ties to even; too large is infinite. */
  static short toFloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= 0x47800000) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude >= 0x38800000) {
      // A normal number; a carry out of the mantissa is the next exponent, up to infinity.
      int rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
      return (short) (sign | ((rounded - 0x38000000) >>> 13));
    }
    // Subnormal: adding 0.5 leaves the multiples of 2^-24 in the low bits, rounded by the hardware.
    float shifted = Float.intBitsToFloat(magnitude) + 0.5f;
    return (short) (sign | (Float.floatToRawIntBits(shifted) - 0x3f000000));
  }

  /** The value of an IEEE half. */
  static float fromFloat16(short bits) {
    int sign = (bits & 0x8000) << 16;
    int magnitude = bits & 0x7fff;
    if (magnitude >= 0x7c00) {
      return Float.intBitsToFloat(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    }
    if (magnitude >= 0x400) {
      return Float.intBitsToFloat(sign | ((magnitude << 13) + 0x38000000));
    }
    float value = magnitude * 0x1p-24f;
    return Float.intBitsToFloat(sign | Float.floatToRawIntBits(value));
  }
}
