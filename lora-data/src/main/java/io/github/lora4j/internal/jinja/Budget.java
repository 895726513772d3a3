package io.github.lora4j.internal.jinja;

/** What one rendering may use; a template that needs more is hostile or broken. */
final class Budget {

  /** Some seconds; a long conversation takes a few hundred thousand. */
  static final long MAX_STEPS = 20_000_000;

  /** Characters of the result, and of any text on the way to it. */
  static final int MAX_TEXT = 32 << 20;

  /** Elements of a list. */
  static final int MAX_ELEMENTS = 1 << 20;

  /** Macros within macros. */
  static final int MAX_DEPTH = 150;

  private static final int CHARACTERS_A_STEP = 64;

  private long steps;
  private long written;

  void step() {
    spend(1);
  }

  private void spend(long cost) {
    steps += cost;
    if (steps > MAX_STEPS) {
      throw JinjaException.of("rendering takes more than " + MAX_STEPS + " steps");
    }
  }

  /** Accounts for work on so many characters. */
  void characters(long count) {
    if (count > MAX_TEXT) {
      throw JinjaException.of("a text would have more than " + MAX_TEXT + " characters");
    }
    spend(1 + count / CHARACTERS_A_STEP);
  }

  /** Accounts for work on so many elements. */
  void elements(long count) {
    if (count > MAX_ELEMENTS) {
      throw JinjaException.of("a list would have more than " + MAX_ELEMENTS + " elements");
    }
    spend(1 + count);
  }

  /** Accounts for work on a value, by its size. */
  void value(Object value) {
    if (value instanceof String text) {
      characters(text.length());
    } else if (value instanceof java.util.Collection<?> list) {
      elements(list.size());
    } else if (value instanceof java.util.Map<?, ?> map) {
      elements(map.size());
    } else {
      step();
    }
  }

  void write(int characters) {
    written += characters;
    characters(written > MAX_TEXT ? written : characters);
  }
}
