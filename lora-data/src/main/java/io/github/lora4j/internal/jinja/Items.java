package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Elements, attributes, items and slices of values. */
final class Items {

  private Items() {}

  static Object given(@Nullable Object value) {
    return value == null ? None.NONE : value;
  }

  /** Returns what a loop over the value goes through. */
  static List<Object> elements(Run run, Object value) {
    List<Object> elements = new ArrayList<>();
    if (value instanceof String text) {
      text.codePoints().forEach(c -> elements.add(Character.toString(c)));
    } else if (value instanceof Collection<?> list) {
      elements.addAll(list);
    } else if (value instanceof Map<?, ?> map) {
      elements.addAll(map.keySet());
    } else if (value instanceof Stream stream) {
      stream.forEach(elements::add);
    } else if (!(value instanceof Undefined)) {
      throw JinjaException.of("expected something to go through, found " + Types.name(value));
    }
    run.budget.elements(elements.size());
    return elements;
  }

  static long length(Object value) {
    if (value instanceof String text) {
      return PythonText.length(text);
    }
    if (value instanceof Collection<?> list) {
      return list.size();
    }
    if (value instanceof Map<?, ?> map) {
      return map.size();
    }
    if (value instanceof Undefined) {
      return 0;
    }
    throw JinjaException.of("expected something with a length, found " + Types.name(value));
  }

  /** Returns {@code value.name}: an attribute of ours, or the item of that name. */
  static Object attribute(Object value, String name) {
    Object found = null;
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    } else if (value instanceof Map<?, ?> map) {
      found = Methods.has(value, name) ? null : map.get(name);
    } else if (value instanceof Namespace namespace) {
      found = namespace.attributes.get(name);
    } else if (value instanceof Loop loop) {
      found = loop.attribute(name);
    }
    if (found == null && Methods.has(value, name)) {
      throw JinjaException.of("the method " + name + " can only be called");
    }
    return found == null ? Undefined.attribute(value, name) : found;
  }

  /** Returns {@code value[key]}, undefined if there is no such thing. */
  static Object get(Run run, Object value, Object key) {
    if (value instanceof Map<?, ?> map) {
      Object found = key instanceof String ? map.get(key) : null;
      return found == null ? Undefined.element(value, key) : found;
    }
    if (value instanceof List<?> list && isIndex(key)) {
      int index = index(key, list.size());
      return index < 0 ? Undefined.element(value, key) : list.get(index);
    }
    if (value instanceof String text && isIndex(key)) {
      run.budget.characters(text.length());
      int index = index(key, PythonText.length(text));
      return index < 0
          ? Undefined.element(value, key)
          : Character.toString(text.codePointAt(text.offsetByCodePoints(0, index)));
    }
    return key instanceof String name ? attribute(value, name) : Undefined.element(value, key);
  }

  private static boolean isIndex(Object key) {
    return key instanceof Long || key instanceof Boolean;
  }

  /** Returns the index from the start, -1 if it is outside. */
  private static int index(Object key, int length) {
    long index = Types.integer("an index", key);
    index += index < 0 ? length : 0;
    return index >= 0 && index < length ? (int) index : -1;
  }

  /** Returns {@code value[start:stop:step]}. */
  static Object slice(Run run, Object value, Object start, Object stop, Object step) {
    run.budget.value(value);
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (value instanceof String text) {
      int[] characters = text.codePoints().toArray();
      StringBuilder result = new StringBuilder();
      for (int i : range(characters.length, start, stop, step)) {
        result.appendCodePoint(characters[i]);
      }
      return result.toString();
    }
    if (value instanceof List<?> list) {
      List<Object> result = new ArrayList<>();
      for (int i : range(list.size(), start, stop, step)) {
        result.add(list.get(i));
      }
      return value instanceof Tuple ? new Tuple(result) : result;
    }
    throw JinjaException.of(Types.name(value) + " cannot be sliced");
  }

  private static int[] range(int length, Object start, Object stop, Object step) {
    int stride = step == None.NONE ? 1 : clamp(step, Integer.MAX_VALUE);
    if (stride == 0) {
      throw JinjaException.of("the step of a slice cannot be zero");
    }
    boolean up = stride > 0;
    long from = bound(start, length, up ? 0 : length - 1, up);
    long to = bound(stop, length, up ? length : -1, up);
    long count = up ? (to - from + stride - 1) / stride : (from - to - stride - 1) / -(long) stride;
    int[] indices = new int[(int) Math.max(0, count)];
    for (int i = 0; i < indices.length; i++) {
      indices[i] = (int) (from + (long) i * stride);
    }
    return indices;
  }

  private static long bound(Object bound, int length, int missing, boolean up) {
    if (bound == None.NONE) {
      return missing;
    }
    long value = clamp(bound, Integer.MAX_VALUE);
    if (value < 0) {
      value += length;
    }
    return up ? Math.max(0, Math.min(value, length)) : Math.max(-1, Math.min(value, length - 1L));
  }

  private static int clamp(Object value, int limit) {
    return (int) Math.max(-limit, Math.min(limit, Types.integer("the bound of a slice", value)));
  }
}
