package io.github.lora4j.internal.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The filter {@code tojson} of transformers: Python's {@code json.dumps}. */
final class Json {

  private final Budget budget;
  private final boolean ascii;
  private final @Nullable String indent;
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean sorted;
  private final StringBuilder result = new StringBuilder();

  private Json(
      Budget budget,
      boolean ascii,
      @Nullable String indent,
      String itemSeparator,
      String keySeparator,
      boolean sorted) {
    this.budget = budget;
    this.ascii = ascii;
    this.indent = indent;
    this.itemSeparator = itemSeparator;
    this.keySeparator = keySeparator;
    this.sorted = sorted;
  }

  static Object filter(Run run, Arguments arguments) {
    @Nullable Object[] values =
        arguments.bind("tojson", 1, "value", "ensure_ascii", "indent", "separators", "sort_keys");
    String indent = indent(run, values[2]);
    String itemSeparator = indent == null ? ", " : ",";
    String keySeparator = ": ";
    if (values[3] != null && values[3] != None.NONE) {
      List<Object> separators = Items.elements(run, values[3]);
      if (separators.size() != 2) {
        throw JinjaException.of("tojson expects two separators, found " + separators.size());
      }
      itemSeparator = Types.text("a separator", separators.get(0));
      keySeparator = Types.text("a separator", separators.get(1));
    }
    Json json =
        new Json(
            run.budget,
            values[1] != null && Types.isTrue(values[1]),
            indent,
            itemSeparator,
            keySeparator,
            values[4] != null && Types.isTrue(values[4]));
    json.value(Items.given(values[0]), "\n");
    return json.result.toString();
  }

  private static @Nullable String indent(Run run, @Nullable Object indent) {
    if (indent == null || indent == None.NONE) {
      return null;
    }
    if (indent instanceof String text) {
      return text;
    }
    long width = Math.max(0, Types.integer("the indent of tojson", indent));
    run.budget.characters(width);
    return " ".repeat((int) width);
  }

  private void value(Object value, String lineBreak) {
    int before = result.length();
    if (value instanceof String text) {
      quote(text);
    } else if (value instanceof Boolean || value instanceof Long) {
      result.append(value);
    } else if (value == None.NONE) {
      result.append("null");
    } else if (value instanceof Double number) {
      result.append(number(number));
    } else if (value instanceof Map<?, ?> map) {
      map(map, lineBreak);
    } else if (value instanceof List<?> list) {
      list(list, lineBreak);
    } else if (value instanceof Undefined undefined) {
      throw undefined.error();
    } else {
      throw JinjaException.of("tojson cannot write " + Types.name(value));
    }
    budget.characters(Math.max(result.length() - before, result.length() / 16));
  }

  private static String number(double number) {
    if (Double.isNaN(number)) {
      return "NaN";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? "Infinity" : "-Infinity";
    }
    return Representation.number(number);
  }

  private void list(List<?> list, String lineBreak) {
    result.append('[');
    String inner = lineBreak + indent;
    for (int i = 0; i < list.size(); i++) {
      result.append(i == 0 ? "" : itemSeparator).append(indent == null ? "" : inner);
      value(list.get(i), inner);
    }
    result.append(indent == null || list.isEmpty() ? "" : lineBreak).append(']');
  }

  private void map(Map<?, ?> map, String lineBreak) {
    result.append('{');
    String inner = lineBreak + indent;
    String separator = "";
    List<? extends Map.Entry<?, ?>> entries =
        sorted
            ? map.entrySet().stream()
                .sorted((a, b) -> a.getKey().toString().compareTo(b.getKey().toString()))
                .toList()
            : List.copyOf(map.entrySet());
    for (Map.Entry<?, ?> entry : entries) {
      result.append(separator).append(indent == null ? "" : inner);
      separator = itemSeparator;
      quote(entry.getKey().toString());
      result.append(keySeparator);
      value(entry.getValue(), inner);
    }
    result.append(indent == null || map.isEmpty() ? "" : lineBreak).append('}');
  }

  private void quote(String text) {
    result.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> result.append("\\\"");
        case '\\' -> result.append("\\\\");
        case '\n' -> result.append("\\n");
        case '\r' -> result.append("\\r");
        case '\t' -> result.append("\\t");
        case '\b' -> result.append("\\b");
        case '\f' -> result.append("\\f");
        default -> {
          if (c < ' ' || (ascii && c > '~')) {
            result.append(String.format("\\u%04x", (int) c));
          } else {
            result.append(c);
          }
        }
      }
    }
    result.append('"');
  }
}
