package io.github.lora4j.text;

/** What an encoder does with a row of more tokens than its maximum. */
public enum Truncation {

  /**
   * Cuts the beginning of the prompt, behind tokens such as the beginning of sequence; completion
   * and end of sequence stay whole. An error if they alone are too long.
   */
  KEEP_COMPLETION,

  /**
   * Cuts the end of the row, as TRL does by default: the completion loses its end, and the model
   * does not learn to stop. An error if nothing of the completion is left.
   */
  KEEP_START,

  /** Cuts the beginning of the row, the beginning-of-sequence token included. */
  KEEP_END,

  /** Refuses the row with an error that names it. */
  ERROR
}
