package io.github.lora4j.data;

/** Which samples share a row: TRL's {@code packing_strategy}. */
public enum PackingStrategy {

  /**
   * Best fit, decreasing: samples stay whole and don't see each other. The longest come first, each
   * goes into the fullest row that still has room for it. The default.
   *
   * <p>A sample that is longer than a row loses its end, as in TRL: encode with a maximum that is
   * no longer than the row, and the encoder decides what is cut.
   */
  BFD,

  /**
   * All samples behind one another, cut wherever a row is full. Positions count through a row and
   * its samples see those before them, as in TRL; the rest of a sample that is cut goes on in the
   * next row, without what came before. For running text rather than for questions and answers.
   */
  WRAPPED
}
