package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Keys and methods of Python's {@code dict}. */
final class Mappings {

  private Mappings() {}

  /** Returns the form in which a map keeps the key, so that equal ones are the same. */
  static Object key(Object key) {
    if (key instanceof Markup markup) {
      return markup.text();
    }
    if (key instanceof Boolean || key instanceof Double) {
      double number = Numbers.real(key);
      return number == Math.rint(number) && Math.abs(number) < Integer.MAX_VALUE
          ? (Object) (long) number
          : key;
    }
    if (key instanceof List || key instanceof Map) {
      throw JinjaException.of(Types.name(key) + " cannot be a key");
    }
    return key;
  }

  static List<Object> items(Map<?, ?> map) {
    List<Object> items = new ArrayList<>(map.size());
    map.forEach((key, value) -> items.add(Tuple.of(key, value)));
    return items;
  }

  /** Returns a method, null if there is none of this name that changes nothing. */
  static @Nullable Function method(Map<?, ?> map, String name) {
    return switch (name) {
      case "get" ->
          (run, arguments) -> {
            @Nullable Object[] values = arguments.bind("get", 1, "key", "default");
            Object value = map.get(key(Sequences.given(values[0])));
            return value != null ? value : values[1] != null ? values[1] : None.NONE;
          };
      case "items" -> listing(map, "items", items(map));
      case "keys" -> listing(map, "keys", new ArrayList<>(map.keySet()));
      case "values" -> listing(map, "values", new ArrayList<>(map.values()));
      case "copy" ->
          (run, arguments) -> {
            arguments.bind("copy", 0);
            return map;
          };
      default -> null;
    };
  }

  private static Function listing(Map<?, ?> map, String name, List<Object> elements) {
    return (run, arguments) -> {
      arguments.bind(name, 0);
      run.budget.elements(map.size());
      return elements;
    };
  }
}
