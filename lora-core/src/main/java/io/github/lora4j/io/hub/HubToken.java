package io.github.lora4j.io.hub;

import java.util.Optional;

/** An access token, and where it comes from; its value appears in no message. */
record HubToken(String value, String origin) {

  HubToken {
    if (value.isEmpty() || !value.chars().allMatch(c -> c > ' ' && c < 127)) {
      throw new IllegalArgumentException(
          "the access token from %s: expected printable characters without spaces, such as hf_..."
              .formatted(origin));
    }
  }

  /** A token as a file or a variable holds it; empty if there is nothing but white space. */
  static Optional<HubToken> parse(String text, String origin) {
    String value = text.replace("\r", "").replace("\n", "").strip();
    return value.isEmpty() ? Optional.empty() : Optional.of(new HubToken(value, origin));
  }

  /** A text of the server's, in which the token might stand. */
  String hideIn(String text) {
    return text.replace(value, "***");
  }

  @Override
  public String toString() {
    return "the token from " + origin;
  }
}
