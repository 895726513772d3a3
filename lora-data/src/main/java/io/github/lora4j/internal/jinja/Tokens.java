package io.github.lora4j.internal.jinja;

import io.github.lora4j.internal.jinja.Token.Kind;
import java.util.List;

/** A place in a list of tokens. */
final class Tokens {

  private final List<Token> tokens;
  private int position;

  Tokens(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(position);
  }

  Token look() {
    return tokens.get(Math.min(position + 1, tokens.size() - 1));
  }

  Token next() {
    Token token = current();
    if (token.kind() != Kind.END) {
      position++;
    }
    return token;
  }

  boolean skipOperator(String operator) {
    return skip(current().isOperator(operator));
  }

  boolean skipName(String name) {
    return skip(current().isName(name));
  }

  private boolean skip(boolean fits) {
    if (fits) {
      next();
    }
    return fits;
  }

  Token expect(Kind kind, String what) {
    if (current().kind() != kind) {
      throw unexpected(what);
    }
    return next();
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw unexpected("\"" + operator + "\"");
    }
  }

  String expectName() {
    return expect(Kind.NAME, "a name").text();
  }

  JinjaException unexpected(String wanted) {
    return JinjaException.at(
        current().line(), "expected " + wanted + ", found " + current().describe());
  }
}
