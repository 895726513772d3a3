package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods of Python's texts, lists and dicts that chat templates call. */
final class Methods {

  private static final Set<String> TEXT =
      Set.of(
          "strip",
          "lstrip",
          "rstrip",
          "split",
          "rsplit",
          "partition",
          "rpartition",
          "splitlines",
          "removeprefix",
          "removesuffix",
          "upper",
          "lower",
          "title",
          "capitalize",
          "startswith",
          "endswith",
          "replace",
          "find",
          "rfind",
          "index",
          "count",
          "join");
  private static final Set<String> MAP = Set.of("get", "items", "keys", "values");

  private Methods() {}

  static boolean has(Object value, String name) {
    return (value instanceof String && TEXT.contains(name))
        || (value instanceof Map && MAP.contains(name));
  }

  /** Calls {@code value.name(...)}. */
  static Object call(Run run, Object value, String name, Arguments arguments) {
    run.budget.value(value);
    if (has(value, name)) {
      Object result =
          value instanceof String text
              ? text(run, text, name, arguments)
              : map((Map<?, ?>) value, name, arguments);
      run.budget.value(result);
      return result;
    }
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    Object attribute = Items.attribute(value, name);
    if (attribute instanceof Macro macro) {
      return macro.call(run, arguments);
    }
    throw JinjaException.of(Types.name(value) + " has no method \"" + name + "\" here");
  }

  private static Object map(Map<?, ?> map, String name, Arguments arguments) {
    if (name.equals("get")) {
      @Nullable Object[] values = arguments.bind(name, 1, "key", "default");
      Object found = values[0] instanceof String key ? map.get(key) : null;
      return found == null ? Items.given(values[1]) : found;
    }
    arguments.bind(name, 0);
    return switch (name) {
      case "items" -> items(map);
      case "keys" -> new ArrayList<>(map.keySet());
      default -> new ArrayList<>(map.values());
    };
  }

  static List<Object> items(Map<?, ?> map) {
    List<Object> items = new ArrayList<>(map.size());
    map.forEach((key, value) -> items.add(Tuple.of(key, value)));
    return items;
  }

  private static Object text(Run run, String text, String name, Arguments arguments) {
    return switch (name) {
      case "strip", "lstrip", "rstrip" -> stripped(text, name, arguments);
      case "split" -> split(text, arguments);
      case "rsplit", "partition", "rpartition", "splitlines" -> Parts.of(text, name, arguments);
      case "removeprefix", "removesuffix" -> removed(text, name, arguments);
      case "startswith", "endswith" -> begins(text, name, arguments);
      case "replace" -> replaced(run, text, arguments.behind(text));
      case "join" -> joined(run, text, arguments);
      case "find", "rfind", "index", "count" -> found(text, name, arguments);
      default -> {
        arguments.bind(name, 0);
        yield plain(text, name);
      }
    };
  }

  private static Object found(String text, String name, Arguments arguments) {
    String sub = Types.text("what to find", arguments.bind(name, 1, "sub")[0]);
    if (name.equals("count")) {
      return counted(text, sub);
    }
    int at = name.equals("rfind") ? text.lastIndexOf(sub) : text.indexOf(sub);
    if (at < 0 && name.equals("index")) {
      throw JinjaException.of("index does not find the text it looks for");
    }
    return at < 0 ? -1L : (long) text.codePointCount(0, at);
  }

  private static long counted(String text, String sub) {
    if (sub.isEmpty()) {
      return PythonText.length(text) + 1L;
    }
    long count = 0;
    for (int at = text.indexOf(sub); at >= 0; at = text.indexOf(sub, at + sub.length())) {
      count++;
    }
    return count;
  }

  private static String removed(String text, String name, Arguments arguments) {
    String part = Types.text("the argument of " + name, arguments.bind(name, 1, "part")[0]);
    if (name.equals("removeprefix")) {
      return text.startsWith(part) ? text.substring(part.length()) : text;
    }
    return text.endsWith(part) ? text.substring(0, text.length() - part.length()) : text;
  }

  private static Object plain(String text, String name) {
    return switch (name) {
      case "upper" -> PythonText.upper(text);
      case "lower" -> PythonText.lower(text);
      case "title" -> PythonText.title(text);
      default -> PythonText.capitalize(text);
    };
  }

  static String separator(String name, String separator) {
    if (separator.isEmpty()) {
      throw JinjaException.of(name + " needs a separator that is not empty");
    }
    return separator;
  }

  static String stripped(String text, String name, Arguments arguments) {
    Object chars = Items.given(arguments.bind(name, 0, "chars")[0]);
    String set = chars == None.NONE ? "" : Types.text("the argument of " + name, chars);
    IntPredicate goes = chars == None.NONE ? PythonText::isSpace : c -> set.indexOf(c) >= 0;
    String left = name.equals("rstrip") ? text : PythonText.stripStart(text, goes);
    return name.equals("lstrip") ? left : PythonText.stripEnd(left, goes);
  }

  private static boolean begins(String text, String name, Arguments arguments) {
    Object wanted = Items.given(arguments.bind(name, 1, "prefix")[0]);
    List<?> all = wanted instanceof Tuple tuple ? tuple : List.of(wanted);
    return all.stream()
        .map(part -> Types.text("the argument of " + name, part))
        .anyMatch(part -> name.equals("endswith") ? text.endsWith(part) : text.startsWith(part));
  }

  /** Returns the text, the first argument, with the second replaced by the third. */
  static String replaced(Run run, String text, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("replace", 3, "value", "old", "new", "count");
    String from = separator("replace", Types.text("what to replace", values[1]));
    String to = Types.text("the replacement", values[2]);
    boolean all = values[3] == null || values[3] == None.NONE;
    long left = all ? -1 : Types.integer("the count of replace", Items.given(values[3]));
    StringBuilder result = new StringBuilder();
    int start = 0;
    for (int at = text.indexOf(from); at >= 0 && left != 0; at = text.indexOf(from, start)) {
      result.append(text, start, at).append(to);
      run.budget.characters(Math.max(to.length(), result.length() / 16));
      start = at + from.length();
      left--;
    }
    return result.append(text, start, text.length()).toString();
  }

  private static String joined(Run run, String separator, Arguments arguments) {
    List<String> parts = new ArrayList<>();
    long length = 0;
    for (Object part : Items.elements(run, Items.given(arguments.bind("join", 1, "parts")[0]))) {
      parts.add(Types.text("each part of a join", part));
      length += separator.length() + parts.get(parts.size() - 1).length();
      run.budget.characters(length);
    }
    return String.join(separator, parts);
  }

  private static List<Object> split(String text, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("split", 0, "sep", "maxsplit");
    long most = values[1] == null ? -1 : Types.integer("maxsplit", values[1]);
    int limit = most < 0 ? Integer.MAX_VALUE : (int) Math.min(most, Integer.MAX_VALUE);
    Object by = Items.given(values[0]);
    List<Object> parts = new ArrayList<>();
    if (by == None.NONE) {
      return words(text, limit);
    }
    String separator = separator("split", Types.text("the separator of split", by));
    int from = 0;
    for (int at = text.indexOf(separator);
        at >= 0 && parts.size() < limit;
        at = text.indexOf(separator, from)) {
      parts.add(text.substring(from, at));
      from = at + separator.length();
    }
    parts.add(text.substring(from));
    return parts;
  }

  private static List<Object> words(String text, int limit) {
    List<Object> parts = new ArrayList<>();
    String rest = PythonText.stripStart(text, PythonText::isSpace);
    int from = 0;
    while (from < rest.length()) {
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
}
