package io.github.lora4j.examples.tokenizer;

import java.nio.charset.StandardCharsets;

/** GPT-2's alphabet: one visible character for each byte. */
final class ByteAlphabet {

  private static final char[] CHARS = chars();

  private ByteAlphabet() {}

  static char charOf(int unsignedByte) {
    return CHARS[unsignedByte];
  }

  /** The text's UTF-8 bytes as characters of the alphabet. */
  static String encode(String text) {
    StringBuilder out = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      out.append(CHARS[b & 0xff]);
    }
    return out.toString();
  }

  private static char[] chars() {
    char[] chars = new char[256];
    int next = 256; // bytes without a visible Latin-1 character take those from U+0100 on
    for (int b = 0; b < 256; b++) {
      boolean visible = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
      chars[b] = visible ? (char) b : (char) next++;
    }
    return chars;
  }
}
