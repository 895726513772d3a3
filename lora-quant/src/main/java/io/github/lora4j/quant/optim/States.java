package io.github.lora4j.quant.optim;

/** What an optimizer remembers of the gradients of one parameter; owns native memory. */
sealed interface States extends AutoCloseable permits WideStates, CodedStates {

  /** Weights that are updated together, and scaled together where states are coded. */
  int BLOCK = 256;

  /**
   * The states of some weights, for one thread.
   *
   * @param from the first weight, the first of a block too
   */
  Part part(long from, int count);

  /** The native memory that they take. */
  long bytes();

  @Override
  void close();

  /** The states of some weights, read and replaced a block at a time. */
  interface Part {

    /**
     * Reads the states of a block.
     *
     * @param at its first weight, counted from that of the part
     * @param states an array for each state of a weight
     */
    void read(int at, float[][] states, int count);

    /** Replaces the states of a block. */
    void write(int at, float[][] states, int count);
  }
}
