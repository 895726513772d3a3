package io.github.lora4j.internal.jinja;

/**
 * Python's escapes in the texts of a tag, written as jinjava knows them: it takes those of
 * characters by number for errors, and so a backslash before any other letter, which stays.
 */
final class Escapes {

  private static final String KNOWN = "\\'\"ntrbf";

  private final String body;
  private final StringBuilder result = new StringBuilder();

  private Escapes(String body) {
    this.body = body;
  }

  static String apply(String body) {
    return body.indexOf('\\') < 0 ? body : new Escapes(body).run();
  }

  private String run() {
    char quote = 0;
    for (int i = 0; i < body.length(); i++) {
      char c = body.charAt(i);
      if (c == '\\' && quote != 0 && i + 1 < body.length()) {
        i = escape(i + 1);
        continue;
      }
      result.append(c);
      if (c == quote) {
        quote = 0;
      } else if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      }
    }
    return result.toString();
  }

  /** Writes the escape whose letter stands here; returns where it ends. */
  private int escape(int at) {
    char c = body.charAt(at);
    if (KNOWN.indexOf(c) >= 0) {
      result.append('\\').append(c);
      return at;
    }
    switch (c) {
      case 'x':
        return number(at, at + 1, 2, 16);
      case 'u':
        return number(at, at + 1, 4, 16);
      case 'U':
        return number(at, at + 1, 8, 16);
      case 'a':
        result.append('\u0007');
        return at;
      case 'v':
        result.append('\u000b');
        return at;
      case '\n':
        return at; // the line goes on
      case 'N':
        throw JinjaException.of("characters by name (\\N{…}) are not supported");
      default:
        if (c >= '0' && c <= '7') {
          int digits = 1;
          while (digits < 3 && at + digits < body.length() && isOctal(body.charAt(at + digits))) {
            digits++;
          }
          return number(at, at, digits, 8);
        }
        result.append("\\\\").append(c);
        return at;
    }
  }

  private static boolean isOctal(char c) {
    return c >= '0' && c <= '7';
  }

  private int number(int letter, int start, int digits, int radix) {
    int end = start + digits;
    String text = end <= body.length() ? body.substring(start, end) : "";
    if (!text.matches("[0-9a-fA-F]+") || Long.parseLong(text, radix) > Character.MAX_CODE_POINT) {
      throw JinjaException.of(
          "\\" + body.charAt(letter) + " is not followed by a character's number");
    }
    int c = Integer.parseInt(text, radix);
    switch (c) {
      case '\n' -> result.append("\\n");
      case '\r' -> result.append("\\r");
      case '\\', '\'', '"' -> result.append('\\').append((char) c);
      default -> result.appendCodePoint(c);
    }
    return end - 1;
  }
}
