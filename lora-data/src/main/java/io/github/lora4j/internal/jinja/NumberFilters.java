package io.github.lora4j.internal.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Filters that give numbers. */
final class NumberFilters {

  static final Map<String, Function> ALL =
      Map.of(
          "abs", NumberFilters::absolute,
          "int", NumberFilters::integer,
          "float", NumberFilters::real,
          "round", NumberFilters::round,
          "length", NumberFilters::length,
          "count", NumberFilters::length,
          "sum", NumberFilters::sum);

  /** No number that matters has more. */
  private static final int MAX_DIGITS = 400;

  private NumberFilters() {}

  private static Object absolute(Run run, Arguments arguments) {
    Object value = Sequences.given(arguments.bind("abs", 1, "value")[0]);
    boolean negative = Types.isNumber(value) && Numbers.real(value) < 0;
    return negative ? Operators.negate(value) : Operators.plus(value);
  }

  private static Object length(Run run, Arguments arguments) {
    return Sequences.length(Sequences.given(arguments.bind("length", 1, "value")[0]));
  }

  private static Object integer(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("int", 1, "value", "default", "base");
    Object value = Sequences.given(values[0]);
    Object otherwise = values[1] == null ? (Object) 0L : values[1];
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (value instanceof Double number) {
      return Double.isFinite(number)
          ? Numbers.integer(new BigDecimal(number).toBigInteger())
          : otherwise;
    }
    if (Types.isNumber(value)) {
      return Numbers.integer(Numbers.big(value));
    }
    if (!Types.isText(value)) {
      return otherwise;
    }
    String text = PythonText.strip(Types.text(value));
    int base = values[2] == null ? 10 : Numbers.small("the base of int", values[2]);
    try {
      return Numbers.integer(parse(text, base));
    } catch (NumberFormatException e) {
      Double number = parse(text);
      return number == null || !Double.isFinite(number)
          ? otherwise
          : Numbers.integer(new BigDecimal(number).toBigInteger());
    }
  }

  private static BigInteger parse(String text, int base) {
    String prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : "-";
    boolean prefixed = text.regionMatches(true, 0, prefix, 0, 2) && prefix.length() == 2;
    String digits = (prefixed ? text.substring(2) : text).replace("_", "");
    if (digits.length() > MAX_DIGITS) {
      throw new NumberFormatException();
    }
    return new BigInteger(digits, base);
  }

  private static @Nullable Double parse(String text) {
    try {
      // Java would also take "1d" and "0x1p3".
      boolean plain = text.chars().allMatch(c -> "0123456789+-.eE".indexOf(c) >= 0);
      return plain && text.length() <= MAX_DIGITS ? Double.valueOf(text) : null;
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private static Object real(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("float", 1, "value", "default");
    Object value = Sequences.given(values[0]);
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (Types.isNumber(value)) {
      return Numbers.real(value);
    }
    Double number = Types.isText(value) ? parse(PythonText.strip(Types.text(value))) : null;
    return number != null ? number : values[1] == null ? (Object) 0.0 : values[1];
  }

  private static Object round(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("round", 1, "value", "precision", "method");
    Object value = Sequences.given(values[0]);
    int precision = values[1] == null ? 0 : Numbers.small("the precision of round", values[1]);
    String method = values[2] == null ? "common" : TextMethods.text("round", values[2]);
    if (!Types.isNumber(value) || Math.abs(precision) > MAX_DIGITS) {
      throw JinjaException.of("round cannot round " + Representation.shorten(value));
    }
    if (!(value instanceof Double) && method.equals("common")) {
      return new BigDecimal(Numbers.big(value))
          .setScale(Math.min(0, precision), RoundingMode.HALF_EVEN)
          .toBigInteger()
          .longValue();
    }
    double number = Numbers.real(value);
    if (!Double.isFinite(number)) {
      return number;
    }
    double scale = Math.pow(10, precision);
    return switch (method) {
      case "common" ->
          new BigDecimal(number).setScale(precision, RoundingMode.HALF_EVEN).doubleValue();
      case "ceil" -> Math.ceil(number * scale) / scale;
      case "floor" -> Math.floor(number * scale) / scale;
      default -> throw JinjaException.of("round knows the methods common, ceil and floor");
    };
  }

  private static Object sum(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("sum", 1, "value", "attribute", "start");
    Object sum = values[2] == null ? (Object) 0L : values[2];
    for (Object element : Sequences.elements(run, Sequences.given(values[0]))) {
      Object value = Paths.get(run, element, Sequences.given(values[1]));
      sum = Operators.binary("+", run, sum, value);
    }
    return sum;
  }
}
