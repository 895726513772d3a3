package io.github.lora4j.internal.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's {@code text % values}, for the conversions that a prompt can need. */
final class PercentFormat {

  private static final Pattern SPEC =
      Pattern.compile("%(?:\\((?<key>[^)]*+)\\))?(?:\\.(?<precision>\\d{1,2}))?(?<type>[sdifr%])");

  private PercentFormat() {}

  static String format(Run run, String format, Object values) {
    List<?> list = values instanceof Tuple tuple ? tuple : List.of(values);
    StringBuilder result = new StringBuilder();
    Matcher matcher = SPEC.matcher(format);
    int from = 0;
    int next = 0;
    for (int at = format.indexOf('%'); at >= 0; at = format.indexOf('%', from)) {
      if (!matcher.region(at, format.length()).lookingAt()) {
        throw JinjaException.of("of % formats only %s, %r, %d, %i, %f and %% are supported");
      }
      result.append(format, from, at);
      from = matcher.end();
      if (matcher.group("type").equals("%")) {
        result.append('%');
        continue;
      }
      Object value;
      if (matcher.group("key") != null) {
        value =
            values instanceof Map<?, ?> map
                ? Sequences.item(run, map, matcher.group("key"))
                : values;
      } else if (next < list.size()) {
        value = list.get(next++);
      } else {
        throw JinjaException.of("a % format has more places than values");
      }
      result.append(one(run, matcher, value));
      run.budget.characters(result.length() > Budget.MAX_TEXT ? result.length() : 1);
    }
    boolean optional =
        values instanceof Undefined
            || values instanceof Map
            || (values instanceof List && !(values instanceof Tuple));
    if (next < list.size() && !optional) {
      throw JinjaException.of("a % format has fewer places than values");
    }
    return result.append(format.substring(from)).toString();
  }

  private static String one(Run run, Matcher spec, Object value) {
    String precision = spec.group("precision");
    switch (spec.group("type")) {
      case "s":
        return Representation.text(run.budget, value);
      case "r":
        return Representation.repr(run.budget, value);
      case "f":
        requireNumber(value);
        int digits = precision == null ? 6 : Integer.parseInt(precision);
        return new BigDecimal(Numbers.real(value))
            .setScale(digits, RoundingMode.HALF_EVEN)
            .toPlainString();
      default:
        requireNumber(value);
        return value instanceof Double number
            ? new BigDecimal(number).toBigInteger().toString()
            : Numbers.big(value).toString();
    }
  }

  private static void requireNumber(Object value) {
    if (!Types.isNumber(value) || (value instanceof Double number && !Double.isFinite(number))) {
      throw JinjaException.of("a % format expects a number, found " + Types.name(value));
    }
  }
}
