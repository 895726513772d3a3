package io.github.lora4j.internal.jinja;

import io.github.lora4j.internal.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a template into text and tags, with {@code trim_blocks} and {@code lstrip_blocks} on: a line
 * break behind a block tag goes, and so do blanks before one that begins a line.
 */
final class Lexer {

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int position;
  private int line = 1;
  private boolean lineStarts = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    return new Lexer(source).run();
  }

  private List<Token> run() {
    while (position < source.length()) {
      int tag = nextTag(position);
      if (tag < 0) {
        data(source.substring(position));
        position = source.length();
        break;
      }
      text(tag);
      switch (source.charAt(tag + 1)) {
        case '#' -> comment();
        case '{' -> tag(Kind.VARIABLE_BEGIN, Kind.VARIABLE_END, "}}");
        default -> {
          int raw = rawEnd("raw", position);
          if (raw > 0) {
            raw(raw);
          } else {
            tag(Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
          }
        }
      }
    }
    tokens.add(new Token(Kind.END, "", line));
    return tokens;
  }

  private int nextTag(int from) {
    for (int i = source.indexOf('{', from); i >= 0; i = source.indexOf('{', i + 1)) {
      if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /** Takes the text before a tag and moves onto the tag, applying the mark behind its opening. */
  private void text(int tag) {
    String text = source.substring(position, tag);
    char mark = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
    boolean block = source.charAt(tag + 1) != '{';
    String kept = text;
    if (mark == '-') {
      kept = PythonText.stripEnd(text);
    } else if (mark != '+' && block) {
      int lineStart = text.lastIndexOf('\n') + 1;
      if ((lineStart > 0 || lineStarts) && PythonText.strip(text.substring(lineStart)).isEmpty()) {
        kept = text.substring(0, lineStart);
      }
    }
    data(kept);
    line += breaks(text) - breaks(kept);
    position = tag;
    lineStarts = false;
  }

  private void data(String text) {
    if (!text.isEmpty()) {
      tokens.add(new Token(Kind.DATA, text, line));
      line += breaks(text);
    }
  }

  private void comment() {
    int end = source.indexOf("#}", position + 2);
    if (end < 0) {
      throw JinjaException.at(line, "the comment is never closed: expected \"#}\"");
    }
    char mark = source.charAt(end - 1);
    // The mark of {#-#} belongs to its opening.
    moveTo(end, "#}", end - 1 > position + 2 ? mark : ' ');
  }

  /** Moves behind the closing at {@code end}, and further where its mark or trimming says so. */
  private void moveTo(int end, String closing, char mark) {
    int next = end + closing.length();
    if (mark == '-') {
      while (next < source.length() && PythonText.isSpace(source.charAt(next))) {
        next++;
      }
    } else if (mark != '+' && !closing.equals("}}") && source.startsWith("\n", next)) {
      next++;
    }
    line += breaks(source.substring(position, next));
    lineStarts = source.charAt(next - 1) == '\n';
    position = next;
  }

  /**
   * Returns the end of a tag that holds only this word, with the white space that it strips; -1 if
   * another tag stands there.
   */
  private int rawEnd(String word, int at) {
    int i = at + 2;
    if (i < source.length() && "-+".indexOf(source.charAt(i)) >= 0) {
      i++;
    }
    i = skipSpace(i);
    if (!source.startsWith(word, i)) {
      return -1;
    }
    i = skipSpace(i + word.length());
    if (source.startsWith("-%}", i)) {
      return skipSpace(i + 3);
    }
    if (word.equals("endraw") && source.startsWith("+%}", i)) {
      return i + 3;
    }
    if (!source.startsWith("%}", i)) {
      return -1;
    }
    boolean trims = word.equals("endraw") && source.startsWith("\n", i + 2);
    return trims ? i + 3 : i + 2;
  }

  private int skipSpace(int from) {
    int i = from;
    while (i < source.length() && PythonText.isSpace(source.charAt(i))) {
      i++;
    }
    return i;
  }

  private void raw(int begin) {
    int start = line;
    line += breaks(source.substring(position, begin));
    position = begin;
    lineStarts = source.charAt(begin - 1) == '\n';
    for (int i = source.indexOf("{%", begin); i >= 0; i = source.indexOf("{%", i + 1)) {
      int end = rawEnd("endraw", i);
      if (end > 0) {
        text(i);
        line += breaks(source.substring(i, end));
        position = end;
        lineStarts = source.charAt(end - 1) == '\n';
        return;
      }
    }
    throw JinjaException.at(start, "{% raw %} is never closed: expected {% endraw %}");
  }

  private void tag(Kind begin, Kind end, String closing) {
    int start = line;
    int from = position + 2;
    if (from < source.length() && "-+".indexOf(source.charAt(from)) >= 0) {
      // In a variable "+" is a sign, and Jinja takes it away too.
      from++;
    }
    tokens.add(new Token(begin, source.substring(position, position + 2), line));
    position = from;
    TagLexer inside = new TagLexer(source, position, line, closing, tokens);
    int close = inside.run();
    if (close < 0) {
      throw JinjaException.at(start, "the tag is never closed: expected \"" + closing + "\"");
    }
    char mark = source.charAt(close);
    int at = mark == '-' || mark == '+' ? close + 1 : close;
    tokens.add(new Token(end, closing, line + breaks(source.substring(position, close))));
    moveTo(at, closing, at == close ? ' ' : mark);
  }

  private static int breaks(String text) {
    return (int) text.chars().filter(c -> c == '\n').count();
  }
}
