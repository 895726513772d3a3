package io.github.lora4j.model;

/**
 * A batch of token sequences that grow by one token at a time.
 *
 * <p>A session owns what the model remembers of its rows, often native memory: close it. It belongs
 * to one thread.
 */
public interface DecodingSession extends AutoCloseable {

  /**
   * Returns the model's scores for the next token of each row, {@code [batch][vocab]}, float32,
   * before any softmax.
   *
   * <p>Asked for once between two appends. The arrays are lent: the caller may overwrite them, and
   * the session may use them again at the next {@link #append}, so scores that are still wanted
   * after that must be copied.
   */
  float[][] logits();

  /**
   * Puts one token behind each row.
   *
   * <p>The batch keeps its size to the end: a row that is finished goes on receiving some token
   * (the pad token), and nobody looks at its logits.
   *
   * @param tokens {@code [batch]} token ids; borrowed
   * @throws IllegalArgumentException if there is not one token per row
   * @throws IllegalStateException if the rows already have the length that was announced as their
   *     maximum, or the session is closed
   */
  void append(int[] tokens);

  /** Gives back what the session holds; a second call does nothing. */
  @Override
  void close();
}
