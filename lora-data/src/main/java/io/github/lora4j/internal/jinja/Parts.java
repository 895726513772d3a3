package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Python's less common ways to cut a text. */
final class Parts {

  private Parts() {}

  /** Calls {@code rsplit}, {@code partition}, {@code rpartition} or {@code splitlines}. */
  static Object of(String text, String name, Arguments arguments) {
    return switch (name) {
      case "rsplit" -> fromTheRight(text, arguments);
      case "splitlines" -> lines(text, arguments);
      default -> around(text, name, arguments);
    };
  }

  private static Tuple around(String text, String name, Arguments arguments) {
    String separator =
        Methods.separator(
            name, Types.text("the separator of " + name, arguments.bind(name, 1, "sep")[0]));
    boolean last = name.equals("rpartition");
    int at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
    if (at < 0) {
      return new Tuple(last ? List.of("", "", text) : List.of(text, "", ""));
    }
    return new Tuple(
        List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
  }

  private static List<Object> fromTheRight(String text, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("rsplit", 0, "sep", "maxsplit");
    long most = values[1] == null ? -1 : Types.integer("maxsplit", values[1]);
    long limit = most < 0 ? Long.MAX_VALUE : most;
    Object by = Items.given(values[0]);
    List<Object> parts =
        by == None.NONE
            ? words(text, limit)
            : parts(
                text,
                Methods.separator("rsplit", Types.text("the separator of rsplit", by)),
                limit);
    Collections.reverse(parts);
    return parts;
  }

  private static List<Object> parts(String text, String separator, long limit) {
    List<Object> parts = new ArrayList<>();
    int end = text.length();
    while (parts.size() < limit) {
      int at = text.lastIndexOf(separator, end - separator.length());
      if (end < separator.length() || at < 0) {
        break;
      }
      parts.add(text.substring(at + separator.length(), end));
      end = at;
    }
    parts.add(text.substring(0, end));
    return parts;
  }

  private static List<Object> words(String text, long limit) {
    List<Object> parts = new ArrayList<>();
    String rest = PythonText.stripEnd(text);
    while (!rest.isEmpty()) {
      int start = rest.length();
      while (start > 0 && !PythonText.isSpace(rest.charAt(start - 1))) {
        start--;
      }
      if (parts.size() >= limit || start == 0) {
        parts.add(rest);
        break;
      }
      parts.add(rest.substring(start));
      rest = PythonText.stripEnd(rest.substring(0, start));
    }
    return parts;
  }

  private static List<Object> lines(String text, Arguments arguments) {
    boolean keep = Types.isTrue(arguments.bind("splitlines", 0, "keepends")[0]);
    List<Object> lines = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (endsLine(c)) {
        int next = c == '\r' && text.startsWith("\n", i + 1) ? i + 2 : i + 1;
        lines.add(text.substring(start, keep ? next : i));
        start = next;
        i = next - 1;
      }
    }
    if (start < text.length()) {
      lines.add(text.substring(start));
    }
    return lines;
  }

  private static boolean endsLine(char c) {
    return c >= 0x0a && c <= 0x0d
        || c >= 0x1c && c <= 0x1e
        || c == 0x85
        || c == 0x2028
        || c == 0x2029;
  }
}
