package io.github.lora4j.generate;

import io.github.lora4j.data.Tokenizer;
import java.util.Arrays;

/**
 * Decodes a sequence token by token into pieces of text that are final when they come out.
 *
 * <p>Tokens can't be decoded one by one: a character may be spread over several of them, and some
 * tokenizers drop the space before the first token of what they decode. So a window of tokens is
 * decoded with and without the newest ones, and the difference is the new text. The window holds
 * the tokens of the piece before (at first the whole prompt) and moves on when a piece comes out;
 * while its text ends in U+FFFD, which stands for an incomplete character, nothing does.
 */
final class IncrementalDecoder {

  private static final char INCOMPLETE = '\uFFFD';

  private final Tokenizer tokenizer;

  /** The tokens of the piece before, then those that no text has come out for yet. */
  private int[] window;

  private int known;
  private int length;
  private String knownText;

  IncrementalDecoder(Tokenizer tokenizer, int[] prompt) {
    this.tokenizer = tokenizer;
    this.window = prompt.clone();
    this.known = prompt.length;
    this.length = prompt.length;
    this.knownText = decode(0, length);
  }

  /** Takes the next token and returns the text that is certain now, often none. */
  String push(int tokenId) {
    if (length == window.length) {
      window = Arrays.copyOf(window, Math.max(16, 2 * length));
    }
    window[length++] = tokenId;
    String text = decode(0, length);
    if (!text.isEmpty() && text.charAt(text.length() - 1) == INCOMPLETE) {
      return "";
    }
    String piece = difference(text);
    if (!piece.isEmpty()) {
      window = Arrays.copyOfRange(window, known, length);
      length = window.length;
      known = length;
      knownText = decode(0, length);
    }
    return piece;
  }

  /** Returns what is left at the end: a character that was never completed, as U+FFFD. */
  String finish() {
    String piece = length == known ? "" : difference(decode(0, length));
    known = length;
    return piece;
  }

  private String difference(String text) {
    // Where the tokenizer decodes the known tokens differently now that others follow (bytes that
    // turn out to be no UTF-8 spoil the valid ones beside them), what is out stays out.
    return text.startsWith(knownText) ? text.substring(knownText.length()) : decode(known, length);
  }

  private String decode(int from, int to) {
    return from == to ? "" : tokenizer.decode(Arrays.copyOfRange(window, from, to), true);
  }
}
