package io.github.lora4j.tensor;

/** Functions of single numbers where {@link Math} has only slower ones, in double precision. */
public final class RowMath {

  /** Beyond it results aren't normal numbers any more. */
  private static final float LARGEST = 87;

  private static final float LOG2_E = (float) (1 / Math.log(2));

  /** Added to a small number, it leaves no bits for a fraction: the sum's last bits count whole. */
  private static final float ROUNDING = 3 << 22;

  // ln 2 as two numbers, the first with few bits, so that its multiples are exact.
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = (float) (Math.log(2) - LN2_HIGH);

  private static final int EXPONENT = 23; // bits of a float before its exponent

  private RowMath() {}

  /**
   * {@code e^x}, within two units in the last place: 2^k times the series of what is left of x, at
   * most half of ln 2.
   */
  public static float exp(float x) {
    if (!(Math.abs(x) < LARGEST)) {
      return (float) Math.exp(x);
    }
    float shifted = x * LOG2_E + ROUNDING;
    float k = shifted - ROUNDING;
    float r = x - k * LN2_HIGH - k * LN2_LOW;
    float series = 1f / 720 + r * (1f / 5040);
    series = 1f / 120 + r * series;
    series = 1f / 24 + r * series;
    series = 1f / 6 + r * series;
    series = 1f / 2 + r * series;
    series = 1 + (r + r * r * series);
    // The last bits of the shifted number are k: they go where a float has its exponent.
    int bits = Float.floatToRawIntBits(series) + (Float.floatToRawIntBits(shifted) << EXPONENT);
    return Float.intBitsToFloat(bits);
  }
}
