package io.github.lora4j.internal.jinja;

import java.math.BigInteger;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/** What kind of value something is, in Python's terms. */
final class Types {

  private Types() {}

  static boolean isText(Object value) {
    return value instanceof String || value instanceof Markup;
  }

  /** Returns the characters of a value for which {@link #isText} holds. */
  static String text(Object value) {
    return value instanceof Markup markup ? markup.text() : (String) value;
  }

  static boolean isInteger(Object value) {
    return value instanceof Long || value instanceof BigInteger;
  }

  static boolean isNumber(Object value) {
    return isInteger(value) || value instanceof Double || value instanceof Boolean;
  }

  /** Returns whether Python can go through it; then {@link Sequences#elements} does. */
  static boolean isIterable(Object value) {
    return isText(value)
        || value instanceof Collection
        || value instanceof Map
        || value instanceof Stream
        || value instanceof Undefined;
  }

  static boolean isSequence(Object value) {
    return isIterable(value) && !(value instanceof Stream);
  }

  static boolean isCallable(Object value) {
    // Python's undefined value can be called, only to fail.
    return value instanceof Function || value instanceof Undefined;
  }

  static boolean isTrue(Object value) {
    if (value instanceof Boolean truth) {
      return truth;
    }
    if (isText(value)) {
      return !text(value).isEmpty();
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
    return !(value instanceof Undefined || value instanceof None);
  }

  /** Returns Python's name of the type, for messages. */
  static String name(Object value) {
    if (isText(value)) {
      return "a str";
    }
    if (value instanceof Boolean) {
      return "a bool";
    }
    if (isInteger(value)) {
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
    if (value instanceof Stream) {
      return "a generator";
    }
    if (value instanceof Function) {
      return "a function";
    }
    return value instanceof None ? "None" : "a " + value.getClass().getSimpleName();
  }
}
