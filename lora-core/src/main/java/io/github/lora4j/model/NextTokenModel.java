package io.github.lora4j.model;

/**
 * A model that scores the token to come: all that text generation needs to know of one.
 *
 * <p>Implementations read the prompts once, keep what they computed (a key/value cache, say) in the
 * {@link DecodingSession} they return, and pay for one position per row at each step from then on.
 */
public interface NextTokenModel {

  /**
   * Reads the prompts and returns a session that stands behind their last tokens.
   *
   * <p>Prompts may differ in length: the session itself pads and masks them, and a row's logits are
   * those that its prompt would get alone, but for rounding. Positions count from the first real
   * token of each row.
   *
   * @param prompts token ids, one array per row, at least one row and one token in each; borrowed
   * @param maxLength the most tokens, prompt and new ones together, that any row will reach; what a
   *     session may reserve room for
   * @return the open session, which the caller closes
   * @throws IllegalArgumentException if a prompt is empty or a token id is not in the vocabulary
   */
  DecodingSession startDecoding(int[][] prompts, int maxLength);

  /**
   * Returns how many tokens, prompt and new ones together, the model can handle in one row; {@code
   * max_position_embeddings} in a Hugging Face {@code config.json}.
   */
  int maxPositionEmbeddings();
}
