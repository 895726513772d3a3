package io.github.lora4j.internal.jinja;

import java.util.Collection;
import java.util.Map;
import java.util.function.Consumer;

/** Values as text: Python's {@code str} and {@code repr}. */
final class Representation {

  private static final int SHORT = 40;

  private final Budget budget;
  private final StringBuilder result = new StringBuilder();

  private Representation(Budget budget) {
    this.budget = budget;
  }

  /** Returns what a template writes for the value. */
  static String text(Budget budget, Object value) {
    if (Types.isText(value)) {
      return Types.text(value);
    }
    return value instanceof Undefined ? "" : repr(budget, value);
  }

  static String repr(Budget budget, Object value) {
    Representation representation = new Representation(budget);
    representation.append(value);
    return representation.result.toString();
  }

  /** Returns a short form for messages. */
  static String shorten(Object value) {
    if (Types.isText(value)) {
      String text = Types.text(value);
      return "\"" + (text.length() > SHORT ? text.substring(0, SHORT) + "..." : text) + "\"";
    }
    return value instanceof Number ? value.toString() : Types.name(value);
  }

  private void append(Object value) {
    int before = result.length();
    if (value instanceof Markup markup) {
      result.append("Markup(");
      quote(markup.text());
      result.append(')');
    } else if (value instanceof String text) {
      quote(text);
    } else if (value instanceof Boolean truth) {
      result.append(truth ? "True" : "False");
    } else if (value instanceof Double number) {
      result.append(Numbers.text(number));
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
}
