package io.github.lora4j.train;

/** Moves parameters against their gradients; owns the native memory of its states. */
interface Optimizer extends AutoCloseable {

  /** Updates every parameter that has a gradient, with this learning rate. */
  void step(double learningRate);

  /** Forgets all gradients. */
  void zeroGrad();

  @Override
  void close();
}
