package io.github.lora4j.data;

import java.util.OptionalInt;

/**
 * Turns text into token ids and back.
 *
 * <p>Implementations say whether they may be used by several threads at once. After {@link
 * #close()} every other method throws {@link IllegalStateException}; closing twice is harmless.
 */
public interface Tokenizer extends AutoCloseable {

  /**
   * Returns the ids of a text, never truncated and never padded.
   *
   * @param addSpecialTokens whether to add what the model expects around a text, such as a
   *     beginning-of-sequence token
   */
  int[] encode(String text, boolean addSpecialTokens);

  /**
   * Returns the text of these ids.
   *
   * @param skipSpecialTokens whether to leave out special tokens such as the end of sequence
   */
  String decode(int[] ids, boolean skipSpecialTokens);

  /** Returns the number of tokens, added ones included: ids run from 0 to one less. */
  int vocabSize();

  /** Returns the id of exactly this token, or empty if the vocabulary lacks it. */
  OptionalInt tokenId(String token);

  /** Returns the id of the beginning-of-sequence token, if there is one. */
  OptionalInt bosTokenId();

  /** Returns the id of the end-of-sequence token, if there is one. */
  OptionalInt eosTokenId();

  /**
   * Returns the id to pad with: the padding token, or the end of sequence where there is none.
   *
   * <p>Never tell padding from tokens by this id: it can stand in the text too.
   */
  OptionalInt padTokenId();

  @Override
  void close();
}
