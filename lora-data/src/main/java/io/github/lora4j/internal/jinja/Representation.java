package io.github.lora4j.internal.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Collection;
import java.util.Map;
import java.util.function.Consumer;

/** Values as text: Python's {@code str} and {@code repr}. */
final class Representation {

  private static final int SHORT = 40;

  /** From 1e16 on, and below 1e-4, Python writes an exponent. */
  private static final int MAX_PLAIN = 16;

  private static final int MIN_PLAIN = -4;

  /** Digits that tell any two doubles apart. */
  private static final int MAX_DIGITS = 17;

  private final Budget budget;
  private final StringBuilder result = new StringBuilder();

  private Representation(Budget budget) {
    this.budget = budget;
  }

  /** Returns what a template writes for the value. */
  static String text(Run run, Object value) {
    if (value instanceof String text) {
      return text;
    }
    return value instanceof Undefined ? "" : repr(run, value);
  }

  static String repr(Run run, Object value) {
    Representation representation = new Representation(run.budget);
    representation.append(value);
    return representation.result.toString();
  }

  /** Returns a short form for messages. */
  static String shorten(Object value) {
    if (value instanceof String text) {
      return "\"" + (text.length() > SHORT ? text.substring(0, SHORT) + "..." : text) + "\"";
    }
    return value instanceof Number ? value.toString() : Types.name(value);
  }

  private void append(Object value) {
    int before = result.length();
    if (value instanceof String text) {
      quote(text);
    } else if (value instanceof Boolean truth) {
      result.append(truth ? "True" : "False");
    } else if (value instanceof Double number) {
      result.append(number(number));
    } else if (value instanceof Tuple tuple) {
      list("(", tuple, tuple.size() == 1 ? ",)" : ")", this::append);
    } else if (value instanceof Collection<?> list) {
      list("[", list, "]", this::append);
    } else if (value instanceof Map<?, ?> map) {
      list(
          "{",
          map.entrySet(),
          "}",
          entry -> {
            append(entry.getKey());
            result.append(": ");
            append(entry.getValue());
          });
    } else if (value instanceof Undefined) {
      result.append("Undefined");
    } else if (value instanceof Number || value instanceof None) {
      result.append(value);
    } else {
      throw JinjaException.of(Types.name(value) + " cannot be written as text");
    }
    budget.characters(Math.max(result.length() - before, result.length() / 16));
  }

  private <T> void list(String open, Iterable<T> items, String close, Consumer<T> append) {
    result.append(open);
    String separator = "";
    for (T item : items) {
      result.append(separator);
      append.accept(item);
      separator = ", ";
    }
    result.append(close);
  }

  private void quote(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    result.append(quote);
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '\n' -> result.append("\\n");
                case '\r' -> result.append("\\r");
                case '\t' -> result.append("\\t");
                case '\\' -> result.append("\\\\");
                default -> {
                  if (c == quote) {
                    result.append('\\').append(quote);
                  } else if (PythonText.isPrintable(c)) {
                    result.appendCodePoint(c);
                  } else {
                    String format = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
                    result.append(String.format(format, c));
                  }
                }
              }
            });
    result.append(quote);
  }

  /** Returns a number as Python's {@code repr}: the fewest digits that give the same double. */
  static String number(double number) {
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
}
