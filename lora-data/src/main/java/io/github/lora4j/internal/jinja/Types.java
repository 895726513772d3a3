package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What kind of value something is, in Python's terms. */
final class Types {

  private Types() {}

  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  /** Returns whether Python can go through it; then {@link Items#elements} does. */
  static boolean isIterable(Object value) {
    return isSequence(value) || value instanceof Stream;
  }

  static boolean isSequence(Object value) {
    return value instanceof String
        || value instanceof Collection
        || value instanceof Map
        || value instanceof Undefined;
  }

  static boolean isTrue(@Nullable Object value) {
    if (value instanceof Boolean truth) {
      return truth;
    }
    if (value instanceof String text) {
      return !text.isEmpty();
    }
    if (value instanceof Collection<?> list) {
      return !list.isEmpty();
    }
    if (value instanceof Map<?, ?> map) {
      return !map.isEmpty();
    }
    if (value instanceof Number number) {
      return number.doubleValue() != 0;
    }
    return !(value == null || value instanceof Undefined || value instanceof None);
  }

  /** Returns an integer or boolean as an integer. */
  static long integer(String what, Object value) {
    if (value instanceof Boolean truth) {
      return truth ? 1 : 0;
    }
    if (value instanceof Long number) {
      return number;
    }
    throw JinjaException.of(what + " must be an integer, found " + name(value));
  }

  static String text(String what, @Nullable Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw JinjaException.of(what + " must be a text, found " + name(value));
  }

  /** Returns Python's name of the type, for messages. */
  static String name(@Nullable Object value) {
    if (value instanceof String) {
      return "a str";
    }
    if (value instanceof Boolean) {
      return "a bool";
    }
    if (value instanceof Long) {
      return "an int";
    }
    if (value instanceof Double) {
      return "a float";
    }
    if (value instanceof Map) {
      return "a dict";
    }
    if (value instanceof Tuple) {
      return "a tuple";
    }
    if (value instanceof List) {
      return "a list";
    }
    return value == null || value instanceof None
        ? "None"
        : value instanceof Undefined undefined
            ? "nothing, as " + undefined.problem()
            : "a " + value.getClass().getSimpleName();
  }

  /**
   * Copies a value in the few types that templates know.
   *
   * @param name of the variable, for the message
   */
  static Object imported(String name, @Nullable Object value) {
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
    if (value instanceof Float) {
      return Double.valueOf(value.toString());
    }
    if (value instanceof Iterable<?> list) {
      List<Object> copy = new ArrayList<>();
      list.forEach(element -> copy.add(imported(name, element)));
      return copy;
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> copy = new LinkedHashMap<>();
      map.forEach(
          (key, element) -> {
            if (!(key instanceof String text)) {
              throw new IllegalArgumentException(
                  "\"" + name + "\": the keys of maps must be texts, found " + key);
            }
            copy.put(text, imported(name, element));
          });
      return copy;
    }
    throw new IllegalArgumentException(
        "\""
            + name
            + "\": a template takes texts, numbers, booleans, nulls, lists and maps, found "
            + value.getClass().getName());
  }
}
