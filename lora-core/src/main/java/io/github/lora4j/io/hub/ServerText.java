package io.github.lora4j.io.hub;

import java.net.URI;

/** Text from outside, made fit for a message or a log line. */
final class ServerText {

  private static final int LONGEST = 300;

  private ServerText() {}

  /** Shortens the text where it is long and replaces control characters. */
  static String of(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .limit(LONGEST)
        .forEach(c -> out.appendCodePoint(Character.isISOControl(c) ? '\uFFFD' : c));
    return text.codePointCount(0, text.length()) > LONGEST ? out + "..." : out.toString();
  }

  /** The same, in quotes. */
  static String quoted(String text) {
    return "'" + of(text) + "'";
  }

  /** An address without its query, where signed ones carry their secret. */
  static String of(URI address) {
    String text =
        "%s://%s%s".formatted(address.getScheme(), address.getAuthority(), address.getRawPath());
    return of(text);
  }
}
