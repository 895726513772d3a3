package io.github.lora4j.internal.jinja;

/** The backslash sequences of string literals, as Python's {@code unicode-escape} reads them. */
final class Escapes {

  private Escapes() {}

  static String unescape(String raw, int line) {
    if (raw.indexOf('\\') < 0) {
      return raw;
    }
    StringBuilder text = new StringBuilder(raw.length());
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c != '\\' || i + 1 == raw.length()) {
        text.append(c);
        continue;
      }
      char kind = raw.charAt(++i);
      int simple = "abfnrtv\\'\"".indexOf(kind);
      if (simple >= 0) {
        text.append("\u0007\b\f\n\r\t\u000b\\'\"".charAt(simple));
      } else if (kind == 'x' || kind == 'u' || kind == 'U') {
        int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
        text.appendCodePoint(code(raw, i + 1, digits, 16, line));
        i += digits;
      } else if (kind >= '0' && kind <= '7') {
        int end = i;
        while (end < Math.min(raw.length(), i + 3) && "01234567".indexOf(raw.charAt(end)) >= 0) {
          end++;
        }
        text.appendCodePoint(code(raw, i, end - i, 8, line));
        i = end - 1;
      } else if (kind == 'N') {
        throw JinjaException.at(line, "names of characters (\\N{...}) are not supported");
      } else if (kind != '\n') {
        // A sequence that means nothing stays as it is.
        text.append(c).append(kind);
      }
    }
    return text.toString();
  }

  private static int code(String raw, int from, int digits, int radix, int line) {
    try {
      int code = Integer.parseInt(raw.substring(from, from + digits), radix);
      if (code >= 0 && code <= Character.MAX_CODE_POINT) {
        return code;
      }
    } catch (IndexOutOfBoundsException | NumberFormatException e) {
      // The same message as for a number that is too large.
    }
    throw JinjaException.at(line, "a string holds a truncated or impossible \\x, \\u or \\U");
  }
}
