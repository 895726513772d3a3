package io.github.lora4j.peft;

import org.jspecify.annotations.Nullable;

/** Values out of untrusted files, made short enough to stand in an error message. */
final class Shortened {

  private static final int LONGEST = 200;

  private Shortened() {}

  static String of(@Nullable Object value) {
    String text = String.valueOf(value);
    return text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "...";
  }
}
