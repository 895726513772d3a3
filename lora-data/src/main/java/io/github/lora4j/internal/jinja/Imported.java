package io.github.lora4j.internal.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Copies of Java's values in the few types that templates know. */
final class Imported {

  private Imported() {}

  /**
   * Copies a value.
   *
   * @param name of the variable, for the message
   */
  static Object value(String name, @Nullable Object value) {
    if (value == null) {
      return None.NONE;
    }
    if (value instanceof CharSequence || value instanceof Character) {
      return value.toString();
    }
    if (value instanceof Boolean || value instanceof Long || value instanceof Double) {
      return value;
    }
    if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
      return ((Number) value).longValue();
    }
    if (value instanceof BigInteger big) {
      return Numbers.integer(big);
    }
    if (value instanceof Float || value instanceof BigDecimal) {
      return Double.valueOf(value.toString());
    }
    if (value instanceof Iterable<?> list) {
      List<Object> copy = new ArrayList<>();
      list.forEach(element -> copy.add(value(name, element)));
      return copy;
    }
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> copy = new LinkedHashMap<>();
      map.forEach((key, element) -> copy.put(Mappings.key(value(name, key)), value(name, element)));
      return copy;
    }
    throw new IllegalArgumentException(
        "\""
            + name
            + "\": a template takes texts, numbers, booleans, nulls, lists and maps, found "
            + value.getClass().getName());
  }
}
