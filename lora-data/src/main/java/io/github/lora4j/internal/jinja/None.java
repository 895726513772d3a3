package io.github.lora4j.internal.jinja;

/** Python's {@code None}; Java's null never is a value of a template. */
enum None {
  NONE;

  @Override
  public String toString() {
    return "None";
  }
}
