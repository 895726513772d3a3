package io.github.lora4j.internal.jinja;

/**
 * Jinja's rules for white space around tags, carried out on the template before jinjava reads it.
 *
 * <p>Jinjava's own trim spaces that are not at the start of a line, and differ for tags within each
 * other. What is left has no tag that trims. Line breaks that are gone stand at the start of the
 * next tag, so that lines keep their numbers.
 */
final class Trimming {

  private final String source;
  private final StringBuilder result = new StringBuilder();
  private int lost;

  private Trimming(String source) {
    this.source = source;
  }

  static String apply(String template) {
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    Trimming trimming = new Trimming(source);
    trimming.run();
    return trimming.result.toString();
  }

  private static int lines(String text) {
    return (int) text.chars().filter(c -> c == '\n').count();
  }

  private void run() {
    int at = 0;
    boolean lineStarts = true;
    boolean trimsNext = false;
    while (true) {
      int open = open(at);
      String text = source.substring(at, open < 0 ? source.length() : open);
      int before = lines(text);
      if (trimsNext) {
        text = PythonText.stripStart(text, PythonText::isSpace);
      }
      if (open < 0) {
        result.append(text);
        return;
      }
      char kind = source.charAt(open + 1);
      char sign = open + 2 < source.length() ? source.charAt(open + 2) : ' ';
      if (sign == '-') {
        text = PythonText.stripEnd(text, PythonText::isSpace);
      } else if (sign != '+' && kind != '{') {
        int line = text.lastIndexOf('\n') + 1;
        if ((line > 0 || lineStarts) && PythonText.strip(text.substring(line)).isEmpty()) {
          text = text.substring(0, line);
        }
      }
      result.append(text);
      lost += before - lines(text);
      int close = close(open, kind);
      char last = source.charAt(close - 1);
      int from = sign == '-' || sign == '+' ? open + 3 : open + 2;
      boolean signed = close > from && (last == '-' || (last == '+' && kind != '{'));
      at = close + 2;
      String body = source.substring(Math.min(from, close), signed ? close - 1 : close);
      if (kind == '%' && PythonText.strip(body).equals("raw")) {
        throw JinjaException.at(
            lines(source.substring(0, open)) + 1, "raw blocks are not supported");
      }
      write(kind, body);
      trimsNext = signed && last == '-';
      lineStarts = false;
      if (trimsNext) {
        String rest = source.substring(at);
        String kept = PythonText.stripStart(rest, PythonText::isSpace);
        lineStarts = rest.substring(0, rest.length() - kept.length()).endsWith("\n");
      } else if (kind != '{' && !signed && source.startsWith("\n", at)) {
        at++;
        lost++;
        lineStarts = true;
      }
    }
  }

  private void write(char kind, String body) {
    if (kind == '#') {
      lost += lines(body);
      return;
    }
    String kept = apart(Escapes.apply(PythonText.strip(body)));
    result.append('{').append(kind).append(' ').append("\n".repeat(lost)).append(kept);
    result.append(' ').append(kind == '{' ? '}' : kind).append('}');
    lost = lines(body) - lines(kept);
  }

  /** Sets apart what closes dicts within each other, which jinjava takes for the end of the tag. */
  private static String apart(String body) {
    if (!body.contains("}}")) {
      return body;
    }
    StringBuilder result = new StringBuilder();
    char quote = 0;
    for (int i = 0; i < body.length(); i++) {
      char c = body.charAt(i);
      result.append(quote == 0 && c == '}' ? " }" : c);
      if (c == '\\' && quote != 0 && i + 1 < body.length()) {
        result.append(body.charAt(++i));
      } else if (c == quote) {
        quote = 0;
      } else if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      }
    }
    return result.toString();
  }

  private int open(int from) {
    for (int i = source.indexOf('{', from); i >= 0; i = source.indexOf('{', i + 1)) {
      if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  private int close(int open, char kind) {
    int close = kind == '#' ? source.indexOf("#}", open + 2) : closeOutsideTexts(open, kind);
    if (close < 0) {
      throw JinjaException.at(
          lines(source.substring(0, open)) + 1, "the tag {" + kind + " is not closed");
    }
    return close;
  }

  private int closeOutsideTexts(int open, char kind) {
    char quote = 0;
    int depth = 0;
    char end = kind == '{' ? '}' : '%';
    for (int i = open + 2; i + 1 < source.length(); i++) {
      char c = source.charAt(i);
      if (quote != 0) {
        if (c == '\\') {
          i++;
        } else if (c == quote) {
          quote = 0;
        }
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if (depth == 0 && c == end && source.charAt(i + 1) == '}') {
        return i;
      } else if (c == '{' || c == '[' || c == '(') {
        depth++;
      } else if (c == '}' || c == ']' || c == ')') {
        depth--;
      }
    }
    return -1;
  }
}
