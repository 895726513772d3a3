package io.github.lora4j.internal.jinja;

import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The methods of Python's {@code str}. */
final class TextMethods {

  private TextMethods() {}

  /** Returns a method of this text, null if there is none of this name. */
  static @Nullable Function get(String text, String name) {
    Function method = find(text, name);
    return method == null
        ? null
        : (run, arguments) -> {
          run.budget.characters(text.length());
          Object result = method.call(run, arguments);
          run.budget.value(result);
          return result;
        };
  }

  private static @Nullable Function find(String text, String name) {
    return switch (name) {
      case "lower", "casefold" -> plain(text, name, PythonText::lower);
      case "upper" -> plain(text, name, PythonText::upper);
      case "title" -> plain(text, name, PythonText::title);
      case "capitalize" -> plain(text, name, PythonText::capitalize);
      case "strip" -> strip(text, name, true, true);
      case "lstrip" -> strip(text, name, true, false);
      case "rstrip" -> strip(text, name, false, true);
      case "startswith" -> affix(text, name, String::startsWith);
      case "endswith" -> affix(text, name, String::endsWith);
      case "removeprefix" -> remove(text, name, true);
      case "removesuffix" -> remove(text, name, false);
      case "split", "rsplit", "splitlines", "partition", "rpartition" ->
          TextSplits.method(text, name);
      case "replace" -> (run, arguments) -> replace(run, text, arguments);
      case "join" -> (run, arguments) -> join(run, text, arguments);
      case "find", "rfind", "index", "rindex" -> TextSearch.find(text, name);
      case "count" -> TextSearch.count(text);
      case "ljust", "rjust", "center", "zfill" -> TextPadding.method(text, name);
      case "format" -> (run, arguments) -> BraceFormat.format(run, text, arguments);
      case "isspace" -> all(text, name, PythonText::isSpace);
      case "isalpha" -> all(text, name, Character::isLetter);
      case "isalnum" -> all(text, name, Character::isLetterOrDigit);
      case "isdigit", "isdecimal", "isnumeric" -> all(text, name, Character::isDigit);
      case "isupper" -> is(text, name, t -> PythonText.allOfCase(t, Character::isUpperCase));
      case "islower" -> is(text, name, t -> PythonText.allOfCase(t, Character::isLowerCase));
      default -> null;
    };
  }

  static Function plain(String text, String name, UnaryOperator<String> change) {
    return (run, arguments) -> {
      arguments.bind(name, 0);
      return change.apply(text);
    };
  }

  private static Function is(String text, String name, Predicate<String> test) {
    return (run, arguments) -> {
      arguments.bind(name, 0);
      return test.test(text);
    };
  }

  private static Function all(String text, String name, IntPredicate test) {
    return is(text, name, t -> PythonText.all(t, test));
  }

  /** Returns an argument that must be text. */
  static String text(String method, @Nullable Object value) {
    if (value != null && Types.isText(value)) {
      return Types.text(value);
    }
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    throw JinjaException.of(
        method + " expects text, found " + (value == null ? "nothing" : Types.name(value)));
  }

  private static Function strip(String text, String name, boolean start, boolean end) {
    return (run, arguments) -> {
      Object given = arguments.bind(name, 0, "chars")[0];
      IntPredicate goes;
      if (given == null || given == None.NONE) {
        goes = PythonText::isSpace;
      } else {
        String characters = text(name, given);
        goes = c -> characters.indexOf(c) >= 0;
        // Each character may be compared with each of those.
        run.budget.characters((long) text.length() * Math.max(1, characters.length() / 16));
      }
      String stripped = start ? PythonText.stripStart(text, goes) : text;
      return end ? PythonText.stripEnd(stripped, goes) : stripped;
    };
  }

  private static Function affix(String text, String name, BiPredicate<String, String> test) {
    return (run, arguments) -> {
      @Nullable Object[] values = arguments.bind(name, 1, "affix", "start", "end");
      String part = TextSearch.range(text, name, values[1], values[2]);
      if (values[0] instanceof Tuple tuple) {
        return tuple.stream().anyMatch(affix -> test.test(part, text(name, affix)));
      }
      return test.test(part, text(name, values[0]));
    };
  }

  private static Function remove(String text, String name, boolean prefix) {
    return (run, arguments) -> {
      String affix = text(name, arguments.bind(name, 1, "affix")[0]);
      boolean there = prefix ? text.startsWith(affix) : text.endsWith(affix);
      if (!there) {
        return text;
      }
      return prefix
          ? text.substring(affix.length())
          : text.substring(0, text.length() - affix.length());
    };
  }

  private static Object replace(Run run, String text, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("replace", 2, "old", "new", "count");
    String old = text("replace", values[0]);
    String with = text("replace", values[1]);
    int count =
        values[2] == null || values[2] == None.NONE
            ? -1
            : Numbers.small("the count of replace", values[2]);
    return replace(run, text, old, with, count);
  }

  /** Replaces the first occurrences, all of them if the count is negative. */
  static String replace(Run run, String text, String old, String with, int count) {
    StringBuilder result = new StringBuilder();
    int from = 0;
    int left = count < 0 ? Integer.MAX_VALUE : count;
    while (left-- > 0) {
      int at = old.isEmpty() && from > text.length() ? -1 : text.indexOf(old, from);
      if (at < 0) {
        break;
      }
      result.append(text, Math.min(from, at), at).append(with);
      run.budget.characters(with.length());
      if (result.length() > Budget.MAX_TEXT) {
        run.budget.characters(result.length());
      }
      from = at + old.length();
      if (old.isEmpty()) {
        if (at == text.length()) {
          return result.toString();
        }
        from = text.offsetByCodePoints(at, 1);
        result.append(text, at, from);
      }
    }
    return result.append(text.substring(from)).toString();
  }

  private static Object join(Run run, String separator, Arguments arguments) {
    Object items = Sequences.given(arguments.bind("join", 1, "items")[0]);
    return join(
        run,
        separator,
        Sequences.elements(run, items).stream().map(item -> text("join", item)).toList());
  }

  static String join(Run run, String separator, List<String> items) {
    StringBuilder result = new StringBuilder();
    for (int i = 0; i < items.size(); i++) {
      result.append(i == 0 ? "" : separator).append(items.get(i));
      run.budget.characters(items.get(i).length() + separator.length());
      if (result.length() > Budget.MAX_TEXT) {
        run.budget.characters(result.length());
      }
    }
    return result.toString();
  }
}
