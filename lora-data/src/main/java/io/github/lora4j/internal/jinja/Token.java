package io.github.lora4j.internal.jinja;

/**
 * A piece of a template's source.
 *
 * @param text for a string what it means, for a number its digits, for all others as written
 * @param line from 1
 */
record Token(Kind kind, String text, int line) {

  enum Kind {
    DATA,
    VARIABLE_BEGIN,
    VARIABLE_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Kind wanted, String value) {
    return kind == wanted && text.equals(value);
  }

  boolean isName(String name) {
    return is(Kind.NAME, name);
  }

  boolean isOperator(String operator) {
    return is(Kind.OPERATOR, operator);
  }

  /** Returns how to call it in a message. */
  String describe() {
    return switch (kind) {
      case END -> "the end of the template";
      case DATA -> "text";
      case STRING -> "a string";
      default -> "\"" + text + "\"";
    };
  }
}
