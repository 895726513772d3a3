package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The methods of Python's {@code str} that cut a text. */
final class TextSplits {

  private TextSplits() {}

  static Function method(String text, String name) {
    return switch (name) {
      case "split", "rsplit" -> (run, arguments) -> split(run, text, name, arguments);
      case "splitlines" -> (run, arguments) -> lines(run, text, arguments);
      default -> (run, arguments) -> partition(text, name, arguments);
    };
  }

  private static Object split(Run run, String text, String name, Arguments arguments) {
    @Nullable Object[] values = arguments.bind(name, 0, "sep", "maxsplit");
    int most = values[1] == null ? -1 : Numbers.small("maxsplit", values[1]);
    int limit = most < 0 ? Integer.MAX_VALUE : most;
    Object separator = Sequences.given(values[0]);
    List<Object> parts;
    if (separator == None.NONE) {
      parts = name.equals("split") ? words(run, text, limit) : wordsFromEnd(run, text, limit);
    } else {
      String by = TextMethods.text(name, separator);
      if (by.isEmpty()) {
        throw JinjaException.of(name + " needs a separator that is not empty");
      }
      parts = name.equals("split") ? by(run, text, by, limit) : byFromEnd(run, text, by, limit);
    }
    run.budget.elements(parts.size());
    return parts;
  }

  private static List<Object> by(Run run, String text, String separator, int limit) {
    List<Object> parts = new ArrayList<>();
    int from = 0;
    for (int at = text.indexOf(separator);
        at >= 0 && parts.size() < limit;
        at = text.indexOf(separator, from)) {
      run.budget.step();
      parts.add(text.substring(from, at));
      from = at + separator.length();
    }
    parts.add(text.substring(from));
    return parts;
  }

  private static List<Object> byFromEnd(Run run, String text, String separator, int limit) {
    List<Object> parts = new ArrayList<>();
    int end = text.length();
    for (int at = text.lastIndexOf(separator);
        at >= 0 && parts.size() < limit;
        at =
            end < separator.length() ? -1 : text.lastIndexOf(separator, end - separator.length())) {
      run.budget.step();
      parts.add(text.substring(at + separator.length(), end));
      end = at;
    }
    parts.add(text.substring(0, end));
    Collections.reverse(parts);
    return parts;
  }

  private static List<Object> words(Run run, String text, int limit) {
    List<Object> parts = new ArrayList<>();
    String rest = PythonText.stripStart(text, PythonText::isSpace);
    int from = 0;
    while (from < rest.length()) {
      run.budget.step();
      if (parts.size() == limit) {
        parts.add(rest.substring(from));
        break;
      }
      int end = from;
      while (end < rest.length() && !PythonText.isSpace(rest.charAt(end))) {
        end++;
      }
      parts.add(rest.substring(from, end));
      from = end;
      while (from < rest.length() && PythonText.isSpace(rest.charAt(from))) {
        from++;
      }
    }
    return parts;
  }

  private static List<Object> wordsFromEnd(Run run, String text, int limit) {
    String reversed = new StringBuilder(text).reverse().toString();
    List<Object> parts = new ArrayList<>();
    for (Object part : words(run, reversed, limit)) {
      parts.add(new StringBuilder((String) part).reverse().toString());
    }
    Collections.reverse(parts);
    return parts;
  }

  private static Object lines(Run run, String text, Arguments arguments) {
    Object keep = arguments.bind("splitlines", 0, "keepends")[0];
    List<Object> lines = new ArrayList<>();
    int from = 0;
    while (from < text.length()) {
      int end = from;
      while (end < text.length() && !isLineEnd(text.charAt(end))) {
        end++;
      }
      int next = Math.min(text.length(), text.startsWith("\r\n", end) ? end + 2 : end + 1);
      lines.add(text.substring(from, keep != null && Types.isTrue(keep) ? next : end));
      from = next;
    }
    run.budget.elements(lines.size());
    return lines;
  }

  private static boolean isLineEnd(char c) {
    return (c >= '\n' && c <= '\r')
        || (c >= 0x1c && c <= 0x1e)
        || c == 0x85
        || c == 0x2028
        || c == 0x2029;
  }

  private static Object partition(String text, String name, Arguments arguments) {
    String separator = TextMethods.text(name, arguments.bind(name, 1, "sep")[0]);
    if (separator.isEmpty()) {
      throw JinjaException.of(name + " needs a separator that is not empty");
    }
    boolean first = name.equals("partition");
    int at = first ? text.indexOf(separator) : text.lastIndexOf(separator);
    if (at < 0) {
      return first ? Tuple.of(text, "", "") : Tuple.of("", "", text);
    }
    return Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
  }
}
