package io.github.lora4j.internal.jinja;

import io.github.lora4j.internal.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Cuts the inside of one tag into names, literals and operators. */
final class TagLexer {

  /** Possessive, so that no input makes it slow. */
  private static final Pattern NUMBER =
      Pattern.compile(
          "0[bB](?:_?[01])++|0[oO](?:_?[0-7])++|0[xX](?:_?[0-9a-fA-F])++"
              + "|(?<float>\\d++(?:_\\d++)*+(?:\\.\\d++(?:_\\d++)*+(?:[eE][+-]?\\d++)?+"
              + "|[eE][+-]?\\d++))"
              + "|\\d++(?:_\\d++)*+");

  private static final List<String> OPERATORS =
      List.of(
          "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
          "}", "=", ">", "<", ".", ":", "|", ",", ";");

  private final String source;
  private final String closing;
  private final List<Token> tokens;
  private final Deque<Character> open = new ArrayDeque<>();
  private int position;
  private int line;

  TagLexer(String source, int position, int line, String closing, List<Token> tokens) {
    this.source = source;
    this.position = position;
    this.line = line;
    this.closing = closing;
    this.tokens = tokens;
  }

  /** Returns where the closing stands, its mark included; -1 if the source ends before. */
  int run() {
    while (position < source.length()) {
      if (open.isEmpty() && closes()) {
        return position;
      }
      char c = source.charAt(position);
      if (PythonText.isSpace(c)) {
        line += c == '\n' ? 1 : 0;
        position++;
      } else if (c == '"' || c == '\'') {
        string(c);
      } else if (Character.isDigit(c)) {
        number();
      } else if (Character.isUnicodeIdentifierStart(c) || c == '_') {
        name();
      } else {
        operator();
      }
    }
    return -1;
  }

  private boolean closes() {
    if (source.startsWith(closing, position)) {
      return true;
    }
    char c = source.charAt(position);
    return (c == '-' || (c == '+' && closing.equals("%}")))
        && source.startsWith(closing, position + 1);
  }

  private void add(Kind kind, String text) {
    tokens.add(new Token(kind, text, line));
  }

  private void string(char quote) {
    int end = position + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw JinjaException.at(line, "the string is never closed: expected " + quote);
    }
    String raw = source.substring(position + 1, end);
    add(Kind.STRING, Escapes.unescape(raw, line));
    line += (int) raw.chars().filter(c -> c == '\n').count();
    position = end + 1;
  }

  private void number() {
    Matcher matcher = NUMBER.matcher(source).region(position, source.length());
    if (!matcher.lookingAt()) {
      throw unexpected();
    }
    boolean afterDot = position > 0 && source.charAt(position - 1) == '.';
    boolean isFloat = matcher.group("float") != null && !afterDot;
    int end = matcher.end();
    if (afterDot) {
      end = position;
      while (end < source.length() && Character.isDigit(source.charAt(end))) {
        end++;
      }
    }
    add(isFloat ? Kind.FLOAT : Kind.INTEGER, source.substring(position, end).replace("_", ""));
    position = end;
  }

  private void name() {
    int end = position;
    while (end < source.length() && Character.isUnicodeIdentifierPart(source.charAt(end))) {
      end++;
    }
    add(Kind.NAME, source.substring(position, end));
    position = end;
  }

  private void operator() {
    String operator =
        OPERATORS.stream()
            .filter(o -> source.startsWith(o, position))
            .findFirst()
            .orElseThrow(this::unexpected);
    switch (operator) {
      case "(" -> open.push(')');
      case "[" -> open.push(']');
      case "{" -> open.push('}');
      case ")", "]", "}" -> {
        if (open.isEmpty() || open.pop() != operator.charAt(0)) {
          throw unexpected();
        }
      }
      default -> {}
    }
    add(Kind.OPERATOR, operator);
    position += operator.length();
  }

  private JinjaException unexpected() {
    String found = new String(Character.toChars(source.codePointAt(position)));
    return JinjaException.at(line, "unexpected \"" + found + "\"");
  }
}
