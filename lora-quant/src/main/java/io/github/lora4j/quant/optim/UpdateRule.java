package io.github.lora4j.quant.optim;

/** How a weight moves, given its gradient and what is remembered of earlier ones. */
sealed interface UpdateRule permits AdamRule, LionRule {

  /** How many numbers are remembered of each weight: 1 or 2. The first may be negative. */
  int states();

  /**
   * The formula for one update.
   *
   * @param learningRate of this parameter
   * @param weightDecay of this parameter
   * @param step how many updates the parameter has had, this one included
   */
  Formula at(double learningRate, double weightDecay, int step);

  /** One update with its constants at hand. */
  interface Formula {

    /**
     * Moves a block of weights and their states.
     *
     * @param first the first state
     * @param second the second one; not touched by rules that have one
     */
    void apply(float[] weights, float[] gradients, float[] first, float[] second, int count);
  }
}
