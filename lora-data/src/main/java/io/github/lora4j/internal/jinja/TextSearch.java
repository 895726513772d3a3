package io.github.lora4j.internal.jinja;

import org.jspecify.annotations.Nullable;

/** The methods of Python's {@code str} that look for a part of the text. */
final class TextSearch {

  private TextSearch() {}

  static Function find(String text, String name) {
    return (run, arguments) -> {
      @Nullable Object[] values = arguments.bind(name, 1, "sub", "start", "end");
      String part = TextMethods.text(name, values[0]);
      String range = range(text, name, values[1], values[2]);
      run.budget.characters((long) text.length() * (1 + part.length() / 64));
      int at = name.startsWith("r") ? range.lastIndexOf(part) : range.indexOf(part);
      if (at < 0) {
        if (name.endsWith("index")) {
          throw JinjaException.of("index found no " + Representation.shorten(part));
        }
        return -1L;
      }
      return (long) PythonText.length(text)
          - PythonText.length(fromStart(text, values[1]))
          + range.codePointCount(0, at);
    };
  }

  static Function count(String text) {
    return (run, arguments) -> {
      @Nullable Object[] values = arguments.bind("count", 1, "sub", "start", "end");
      String part = TextMethods.text("count", values[0]);
      String range = range(text, "count", values[1], values[2]);
      if (part.isEmpty()) {
        return (long) PythonText.length(range) + 1;
      }
      long count = 0;
      for (int at = range.indexOf(part); at >= 0; at = range.indexOf(part, at + part.length())) {
        count++;
      }
      return count;
    };
  }

  private static String fromStart(String text, @Nullable Object start) {
    return start == null ? text : range(text, "find", start, null);
  }

  /** Returns the part between two optional indices, as a slice. */
  static String range(String text, String method, @Nullable Object start, @Nullable Object end) {
    if (start == null && end == null) {
      return text;
    }
    int length = PythonText.length(text);
    int from = bound(method, start, 0, length);
    int to = Math.max(from, bound(method, end, length, length));
    return text.substring(text.offsetByCodePoints(0, from), text.offsetByCodePoints(0, to));
  }

  private static int bound(String method, @Nullable Object value, int missing, int length) {
    if (value == null || value == None.NONE) {
      return missing;
    }
    int index = Numbers.small("a bound of " + method, value);
    return Math.max(0, Math.min(length, index < 0 ? index + length : index));
  }
}
