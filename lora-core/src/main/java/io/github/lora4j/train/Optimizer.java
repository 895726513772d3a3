package io.github.lora4j.train;

/**
 * Moves parameters against their gradients; owns the native memory of its states.
 *
 * <p>The {@link Trainer} makes one for each run from {@link TrainingArguments#optim} and calls it
 * on its own thread. Users meet it only when they write an {@link OptimizerProvider}.
 */
public interface Optimizer extends AutoCloseable {

  /**
   * Updates every parameter that has a gradient; one without is passed over.
   *
   * @param learningRate the schedule's present rate, before {@link
   *     OptimizedParameter#learningRateScale}
   */
  void step(double learningRate);

  /** Forgets the gradients of all parameters. */
  void zeroGrad();

  /** Frees the states; the parameters stay. Closing twice is harmless. */
  @Override
  void close();
}
