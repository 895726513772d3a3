package io.github.lora4j.internal.text;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes JSON byte for byte as Python's {@code json.dumps(value, indent=2)} does.
 *
 * <p>Keys stand in the map's own order; everything outside ASCII is escaped; floats have the
 * shortest digits that read back as the same number.
 */
public final class PythonJson {

  private static final int LONGEST_DOUBLE = 17;

  private final StringBuilder out = new StringBuilder();

  private PythonJson() {}

  /**
   * Returns the text of a value made of maps with string keys, lists, strings, whole numbers,
   * doubles, booleans and null.
   *
   * @throws IllegalArgumentException for a value of another type, or a double that is not finite
   */
  public static String write(@Nullable Object value) {
    PythonJson json = new PythonJson();
    json.append(value, 0);
    return json.out.toString();
  }

  /**
   * Returns a finite double as Python's {@code repr}: {@code 0.05}, {@code 16.0}, {@code 1e-05}.
   */
  public static String repr(double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException("JSON has no number for " + value);
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal digits = shortest(value).stripTrailingZeros();
    int exponent = digits.precision() - digits.scale() - 1;
    if (exponent < -4 || exponent >= 16) {
      String mantissa = digits.movePointLeft(exponent).stripTrailingZeros().toPlainString();
      return "%se%s%02d".formatted(mantissa, exponent < 0 ? "-" : "+", Math.abs(exponent));
    }
    String plain = digits.toPlainString();
    return plain.indexOf('.') < 0 ? plain + ".0" : plain;
  }

  /** Not {@code Double.toString}, which before JDK 19 sometimes has a digit too many. */
  private static BigDecimal shortest(double value) {
    BigDecimal exact = new BigDecimal(value);
    for (int precision = 1; precision < LONGEST_DOUBLE; precision++) {
      // Doubles lie closer below a power of two than above: only the farther one may read back.
      for (RoundingMode mode : new RoundingMode[] {RoundingMode.HALF_EVEN, RoundingMode.UP}) {
        BigDecimal rounded = exact.round(new MathContext(precision, mode));
        if (rounded.doubleValue() == value) {
          return rounded;
        }
      }
    }
    return exact.round(new MathContext(LONGEST_DOUBLE, RoundingMode.HALF_EVEN));
  }

  private void append(@Nullable Object value, int depth) {
    if (value instanceof Map<?, ?> map) {
      appendMap(map, depth);
    } else if (value instanceof List<?> list) {
      appendList(list, depth);
    } else if (value instanceof String text) {
      appendString(text);
    } else if (value instanceof Double number) {
      out.append(repr(number));
    } else if (value == null
        || value instanceof Boolean
        || value instanceof Integer
        || value instanceof Long
        || value instanceof BigInteger) {
      out.append(value);
    } else {
      throw new IllegalArgumentException("JSON has no form for " + value.getClass().getName());
    }
  }

  private void appendMap(Map<?, ?> map, int depth) {
    if (map.isEmpty()) {
      out.append("{}");
      return;
    }
    out.append('{');
    for (Iterator<? extends Map.Entry<?, ?>> i = map.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry<?, ?> entry = i.next();
      newLine(depth + 1);
      appendString((String) entry.getKey());
      out.append(": ");
      append(entry.getValue(), depth + 1);
      out.append(i.hasNext() ? "," : "");
    }
    newLine(depth);
    out.append('}');
  }

  private void appendList(List<?> list, int depth) {
    if (list.isEmpty()) {
      out.append("[]");
      return;
    }
    out.append('[');
    for (Iterator<?> i = list.iterator(); i.hasNext(); ) {
      newLine(depth + 1);
      append(i.next(), depth + 1);
      out.append(i.hasNext() ? "," : "");
    }
    newLine(depth);
    out.append(']');
  }

  private void newLine(int depth) {
    out.append('\n').append("  ".repeat(depth));
  }

  private void appendString(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < 0x20 || c > 0x7e) {
            out.append("\\u%04x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
