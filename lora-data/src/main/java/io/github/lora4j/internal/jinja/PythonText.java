package io.github.lora4j.internal.jinja;

import java.util.Locale;
import java.util.function.IntPredicate;

/** What Python's {@code str} does differently from Java's {@code String}. */
final class PythonText {

  private PythonText() {}

  static boolean isSpace(int c) {
    return (c >= 0x09 && c <= 0x0d)
        || (c >= 0x1c && c <= 0x20)
        || c == 0x85
        || c == 0xa0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200a)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202f
        || c == 0x205f
        || c == 0x3000;
  }

  static String strip(String text) {
    return stripEnd(stripStart(text, PythonText::isSpace), PythonText::isSpace);
  }

  static String stripEnd(String text) {
    return stripEnd(text, PythonText::isSpace);
  }

  static String stripStart(String text, IntPredicate goes) {
    int start = 0;
    while (start < text.length() && goes.test(text.codePointAt(start))) {
      start += Character.charCount(text.codePointAt(start));
    }
    return text.substring(start);
  }

  static String stripEnd(String text, IntPredicate goes) {
    int end = text.length();
    while (end > 0 && goes.test(text.codePointBefore(end))) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(0, end);
  }

  /** Returns the length in code points. */
  static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  static String upper(String text) {
    return text.toUpperCase(Locale.ROOT);
  }

  /** Returns the text with its first character as a title's and the rest in lower case. */
  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int end = Character.charCount(text.codePointAt(0));
    return titleCase(text.codePointAt(0)) + lower(text.substring(end));
  }

  /** Returns the text with each letter behind a non-letter as a title's, the others lower. */
  static String title(String text) {
    StringBuilder result = new StringBuilder(text.length());
    boolean inWord = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      int next = i + Character.charCount(c);
      result.append(inWord ? lower(text.substring(i, next)) : titleCase(c));
      inWord = isCased(c);
      i = next;
    }
    return result.toString();
  }

  /** Returns the text with the first character of each word in upper case, as Jinja's filter. */
  static String capitalizeWords(String text) {
    StringBuilder result = new StringBuilder(text.length());
    for (int start = 0; start < text.length(); ) {
      int end = start;
      while (end < text.length() && !endsWord(text.charAt(end))) {
        end++;
      }
      if (end > start) {
        int second = start + Character.charCount(text.codePointAt(start));
        result
            .append(upper(text.substring(start, second)))
            .append(lower(text.substring(second, end)));
      }
      result.append(text, end, Math.min(end + 1, text.length()));
      start = end + 1;
    }
    return result.toString();
  }

  private static boolean endsWord(char c) {
    return isSpace(c) || "-({[<".indexOf(c) >= 0;
  }

  private static String titleCase(int c) {
    int title = Character.toTitleCase(c);
    String upper = upper(Character.toString(c));
    // Letters such as the German sharp s have several as their upper case, of which one stays so.
    return title == c && upper.codePointCount(0, upper.length()) > 1
        ? upper.charAt(0) + lower(upper.substring(1))
        : Character.toString(title);
  }

  static boolean isCased(int c) {
    return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
  }

  /** Returns whether {@code repr} shows the character as it is. */
  static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }
}
