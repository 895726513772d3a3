package io.github.lora4j.train;

import io.github.lora4j.internal.text.PythonJson;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/** Numbers as Python writes them, so that our logs and state files read like transformers' own. */
final class PythonFloat {

  private static final MathContext FOUR_DIGITS = new MathContext(4, RoundingMode.HALF_EVEN);

  private PythonFloat() {}

  /** As Python's {@code json.dumps} writes it. */
  static String repr(double value) {
    if (!Double.isFinite(value)) {
      return Double.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    }
    return PythonJson.repr(value);
  }

  /**
   * Four significant digits, as transformers' console lines have them; whole numbers from 10,000 on
   * are written out, where {@code %.4g} would turn to an exponent.
   */
  static String readable(double value) {
    if (!Double.isFinite(value)) {
      return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return "0";
    }
    BigDecimal exact = new BigDecimal(value);
    if (Math.abs(value) >= 9999.5 && Math.abs(value) < 1e15) {
      return exact.setScale(0, RoundingMode.HALF_EVEN).toPlainString();
    }
    BigDecimal digits = exact.round(FOUR_DIGITS).stripTrailingZeros();
    int exponent = digits.precision() - digits.scale() - 1;
    return exponent < -4 || exponent >= 4 ? scientific(digits, exponent) : digits.toPlainString();
  }

  private static String scientific(BigDecimal digits, int exponent) {
    String mantissa = digits.movePointLeft(exponent).stripTrailingZeros().toPlainString();
    return "%se%s%02d".formatted(mantissa, exponent < 0 ? "-" : "+", Math.abs(exponent));
  }
}
