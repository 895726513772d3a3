package io.github.lora4j.peft;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Rewrites a regular expression from Python's syntax to Java's, where the two differ.
 *
 * <p>Group names, comments, {@code \Z}, a few escapes, brackets and ampersands inside classes, and
 * braces that repeat nothing. What Python refuses is refused, also where Java would take it for
 * something else; conditional groups have no counterpart in Java and are refused too.
 */
final class PythonRegexTranslator {

  /** Both compilers recurse into groups: a hostile pattern must not exhaust the stack. */
  private static final int DEEPEST = 100;

  private static final int LONGEST = 10_000;
  private static final Pattern REPETITION = Pattern.compile("\\{(\\d*)(,?)(\\d*)}");
  private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*");
  private static final Pattern FLAGS = Pattern.compile("([aiLmsux]*)(?:-([imsx]+))?([:)])");

  private final String python;
  private final StringBuilder java = new StringBuilder();
  private final Map<String, String> groups = new LinkedHashMap<>();
  private int at;
  private int depth;

  PythonRegexTranslator(String python) {
    this.python = python;
  }

  /**
   * Returns the pattern for {@link Pattern#compile(String)}.
   *
   * @throws PatternSyntaxException if Python would refuse it or Java has no counterpart
   */
  String translate() {
    if (python.length() > LONGEST) {
      throw new PatternSyntaxException(
          "it is longer than %d characters".formatted(LONGEST), python, LONGEST);
    }
    while (at < python.length()) {
      char c = python.charAt(at++);
      switch (c) {
        case '\\' -> escape(false);
        case '[' -> characterClass();
        case '(' -> group();
        case '{' -> brace();
        case ')' -> {
          depth--;
          java.append(c);
        }
        default -> java.append(c);
      }
    }
    return java.toString();
  }

  /** The name in Java of a group named so in Python; Java allows no underscore in a name. */
  Optional<String> groupNamed(String name) {
    return Optional.ofNullable(groups.get(name));
  }

  private void escape(boolean inClass) {
    if (at == python.length()) {
      throw error("it ends in a backslash");
    }
    char c = python.charAt(at++);
    switch (c) {
      case 'a', 'd', 'D', 'f', 'n', 'N', 'r', 's', 'S', 't', 'u', 'w', 'W' ->
          java.append('\\').append(c);
      case 'v' -> java.append("\\x0B");
      case 'x' -> java.append("\\x").append(hexDigits(2));
      case 'U' -> java.append("\\x{").append(hexDigits(8)).append('}');
      case '0' -> java.append("\\x{").append(Integer.toHexString(octal())).append('}');
      case 'b' -> java.append(inClass ? "\\x08" : "\\b");
      default -> {
        if (!inClass && (c == 'A' || c == 'B' || Character.isDigit(c))) {
          java.append('\\').append(c);
        } else if (!inClass && c == 'Z') {
          java.append("\\z");
        } else if (c < 0x80 && Character.isLetterOrDigit(c)) {
          throw error("\\%c is no escape of Python's%s".formatted(c, inClass ? " in a class" : ""));
        } else {
          java.append(c < 0x80 ? "\\" : "").append(c);
        }
      }
    }
  }

  private String hexDigits(int count) {
    int end = at + count;
    if (end > python.length() || !python.substring(at, end).matches("[0-9a-fA-F]+")) {
      throw error("the escape needs %d hexadecimal digits".formatted(count));
    }
    String digits = python.substring(at, end);
    at = end;
    return digits;
  }

  private int octal() {
    int value = 0;
    for (int n = 0; n < 2 && at < python.length() && isOctal(python.charAt(at)); n++) {
      value = 8 * value + python.charAt(at++) - '0';
    }
    return value;
  }

  private static boolean isOctal(char c) {
    return c >= '0' && c <= '7';
  }

  private void characterClass() {
    java.append('[');
    if (next("^")) {
      java.append('^');
    }
    boolean first = true;
    while (at < python.length()) {
      char c = python.charAt(at++);
      if (c == ']' && !first) {
        java.append(c);
        return;
      }
      first = false;
      switch (c) {
        case '\\' -> escape(true);
        // Java would begin a nested class, or intersect two.
        case '[', ']', '&' -> java.append('\\').append(c);
        default -> java.append(c);
      }
    }
    throw error("a character class is not closed");
  }

  private void group() {
    if (next("?#")) {
      int end = python.indexOf(')', at);
      if (end < 0) {
        throw error("a comment is not closed");
      }
      at = end + 1;
      return;
    }
    if (++depth > DEEPEST) {
      throw error("its groups are nested more than %d deep".formatted(DEEPEST));
    }
    if (next("?P<")) {
      String name = name('>');
      String javaName = "g" + groups.size();
      if (groups.putIfAbsent(name, javaName) != null) {
        throw error("there are two groups named " + name);
      }
      java.append("(?<").append(javaName).append('>');
    } else if (next("?P=")) {
      String name = name(')');
      String javaName = groups.get(name);
      if (javaName == null) {
        throw error("there is no group named " + name);
      }
      depth--;
      java.append("\\k<").append(javaName).append('>');
    } else if (next("?(")) {
      throw error("a conditional group (?(...)...) has no counterpart in Java; write two patterns");
    } else if (python.startsWith("?", at)) {
      extension();
    } else {
      java.append('(');
    }
  }

  private void extension() {
    for (String prefix : new String[] {"?:", "?=", "?!", "?>", "?<=", "?<!"}) {
      if (next(prefix)) {
        java.append('(').append(prefix);
        return;
      }
    }
    int start = at - 1;
    Matcher flags = FLAGS.matcher(python).region(at + 1, python.length());
    if (!flags.lookingAt() || flags.group(1).contains("L")) {
      throw error("there is no group of this kind in Python's text patterns");
    }
    boolean global = flags.group(3).equals(")");
    if (global && (start != 0 || flags.group(2) != null || flags.group(1).isEmpty())) {
      throw error("flags for the whole pattern stand at its start");
    }
    at = flags.end();
    String on = flags.group(1).replace("a", "").replace('u', 'U');
    String off = Objects.requireNonNullElse(flags.group(2), "");
    if (flags.group(1).contains("a")) {
      off += "U";
    }
    java.append("(?").append(on).append(off.isEmpty() ? "" : "-" + off).append(flags.group(3));
    depth -= global ? 1 : 0;
  }

  private void brace() {
    Matcher repetition = REPETITION.matcher(python).region(at - 1, python.length());
    boolean repeats =
        repetition.lookingAt() && !repetition.group().equals("{}") && isRepetition(repetition);
    if (!repeats) {
      java.append("\\{");
      return;
    }
    String from = repetition.group(1).isEmpty() ? "0" : repetition.group(1);
    java.append('{').append(from).append(repetition.group(2)).append(repetition.group(3));
    java.append('}');
    at = repetition.end();
  }

  /** Without a comma, the second number is part of the first: only one of them is there. */
  private static boolean isRepetition(Matcher repetition) {
    return !repetition.group(2).isEmpty() || repetition.group(3).isEmpty();
  }

  private String name(char end) {
    int close = python.indexOf(end, at);
    String name = close < 0 ? "" : python.substring(at, close);
    if (!NAME.matcher(name).matches()) {
      throw error("a group's name is missing or not valid");
    }
    at = close + 1;
    return name;
  }

  private boolean next(String text) {
    boolean found = python.startsWith(text, at);
    at += found ? text.length() : 0;
    return found;
  }

  private PatternSyntaxException error(String problem) {
    return new PatternSyntaxException(problem, python, at);
  }
}
