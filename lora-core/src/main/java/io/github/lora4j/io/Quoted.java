package io.github.lora4j.io;

/** Strings out of untrusted files, made fit to stand in an error message. */
final class Quoted {

  private static final int LONGEST = 200;

  private Quoted() {}

  /** Quotes the text, shortens it where it is long, and replaces control characters. */
  static String of(String text) {
    StringBuilder out = new StringBuilder("'");
    text.codePoints()
        .limit(LONGEST)
        .forEach(c -> out.appendCodePoint(Character.isISOControl(c) ? '\uFFFD' : c));
    if (text.codePointCount(0, text.length()) > LONGEST) {
      out.append("...");
    }
    return out.append("'").toString();
  }
}
