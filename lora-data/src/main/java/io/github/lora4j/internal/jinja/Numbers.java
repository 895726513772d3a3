package io.github.lora4j.internal.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The filters that make numbers. */
final class Numbers {

  private static final Pattern INTEGER = Pattern.compile("[+-]?\\d+(?:_\\d+)*");
  private static final Pattern REAL =
      Pattern.compile("[+-]?(?:\\d+(?:_\\d+)*\\.?|\\d*\\.\\d+|\\d+\\.\\d*)(?:[eE][+-]?\\d+)?");
  private static final int MOST_DIGITS = 300;

  private Numbers() {}

  static Object integer(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("int", 1, "value", "default");
    Object value = known(Items.given(values[0]));
    if (value instanceof Long || value instanceof Boolean) {
      return Types.integer("it", value);
    }
    if (value instanceof String text && INTEGER.matcher(PythonText.strip(text)).matches()) {
      try {
        return Long.parseLong(PythonText.strip(text).replace("_", ""));
      } catch (NumberFormatException e) {
        throw JinjaException.of("integers of more than 64 bits are not supported");
      }
    }
    Double real = realOf(value);
    if (real == null || real.isNaN() || real.isInfinite()) {
      return values[1] == null ? 0L : values[1];
    }
    if (Math.abs(real) >= 0x1p63) {
      throw JinjaException.of("integers of more than 64 bits are not supported");
    }
    return real.longValue();
  }

  static Object real(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("float", 1, "value", "default");
    Double real = realOf(known(Items.given(values[0])));
    return real != null ? real : values[1] == null ? 0.0 : values[1];
  }

  static Object absolute(Run run, Arguments arguments) {
    Object value = known(Items.given(arguments.bind("abs", 1, "value")[0]));
    if (value instanceof Double real) {
      return Math.abs(real);
    }
    return Math.absExact(Types.integer("the argument of abs", value));
  }

  static Object round(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("round", 1, "value", "precision", "method");
    Object value = known(Items.given(values[0]));
    long digits = values[1] == null ? 0 : Types.integer("the precision of round", values[1]);
    if (values[2] != null && !values[2].equals("common")) {
      throw JinjaException.of("round knows no method but \"common\" here");
    }
    if (!(value instanceof Double real)) {
      long whole = Types.integer("the argument of round", value);
      if (digits < 0) {
        throw JinjaException.of("round of an integer expects a precision of at least 0 here");
      }
      return whole;
    }
    if (real.isNaN() || real.isInfinite() || digits > MOST_DIGITS || digits < -MOST_DIGITS) {
      return digits < -MOST_DIGITS ? Math.copySign(0.0, real) : real;
    }
    double rounded =
        new BigDecimal(real).setScale((int) digits, RoundingMode.HALF_EVEN).doubleValue();
    return Math.copySign(rounded, real);
  }

  private static Object known(Object value) {
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    return value;
  }

  /** As Python's float does; null where that fails. */
  private static @Nullable Double realOf(Object value) {
    if (Types.isNumber(value)) {
      return Operators.real(value);
    }
    if (!(value instanceof String text)) {
      return null;
    }
    String word = PythonText.strip(text);
    if (REAL.matcher(word).matches()) {
      return Double.valueOf(word.replace("_", ""));
    }
    return switch (PythonText.lower(word.replaceFirst("^[+-]", ""))) {
      case "inf", "infinity" ->
          word.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
      case "nan" -> Double.NaN;
      default -> null;
    };
  }
}
