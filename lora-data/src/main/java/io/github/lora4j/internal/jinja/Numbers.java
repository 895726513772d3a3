package io.github.lora4j.internal.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;

/** Python's numbers: integers are long where they fit, floats double, booleans 1 and 0. */
final class Numbers {

  /** From 1e16 on, and below 1e-4, Python writes an exponent. */
  private static final int MAX_PLAIN = 16;

  private static final int MIN_PLAIN = -4;

  /** Digits that tell any two doubles apart. */
  private static final int MAX_DIGITS = 17;

  static final int MAX_BITS = 4096;

  private Numbers() {}

  /** Returns a number as Python's {@code repr}: the fewest digits that give the same double. */
  static String text(double number) {
    if (Double.isNaN(number)) {
      return "nan";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? "inf" : "-inf";
    }
    if (number == 0) {
      return 1 / number < 0 ? "-0.0" : "0.0";
    }
    BigDecimal exact = new BigDecimal(number);
    BigDecimal shortest = exact;
    for (int digits = 1; digits <= MAX_DIGITS; digits++) {
      shortest = exact.round(new MathContext(digits));
      if (shortest.doubleValue() == number) {
        break;
      }
    }
    shortest = shortest.stripTrailingZeros();
    int exponent = shortest.precision() - shortest.scale() - 1;
    if (exponent >= MIN_PLAIN && exponent < MAX_PLAIN) {
      String plain = shortest.toPlainString();
      return plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }
    String digits = shortest.unscaledValue().abs().toString();
    return (number < 0 ? "-" : "")
        + digits.charAt(0)
        + (digits.length() > 1 ? "." + digits.substring(1) : "")
        + (exponent < 0 ? "e-" : "e+")
        + (Math.abs(exponent) < 10 ? "0" : "")
        + Math.abs(exponent);
  }

  static Object integer(BigInteger value) {
    if (value.bitLength() > MAX_BITS) {
      throw tooLarge();
    }
    return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
  }

  static JinjaException tooLarge() {
    return JinjaException.of("an integer would have more than " + MAX_BITS + " bits");
  }

  /** Returns an integer or boolean as an integer. */
  static BigInteger big(Object value) {
    if (value instanceof Boolean truth) {
      return truth ? BigInteger.ONE : BigInteger.ZERO;
    }
    return value instanceof BigInteger big ? big : BigInteger.valueOf((Long) value);
  }

  static double real(Object value) {
    return value instanceof Double number ? number : big(value).doubleValue();
  }

  static int compare(Object left, Object right) {
    if (left instanceof Double || right instanceof Double) {
      return Double.compare(real(left) + 0.0, real(right) + 0.0);
    }
    return big(left).compareTo(big(right));
  }

  /** Returns an argument that must be a small integer. */
  static int small(String what, Object value) {
    if (Types.isInteger(value) || value instanceof Boolean) {
      BigInteger big = big(value);
      if (big.bitLength() < Integer.SIZE) {
        return big.intValue();
      }
    }
    throw JinjaException.of(what + " must be an integer, found " + Representation.shorten(value));
  }
}
