package io.github.lora4j.peft;

/** How the factors A {@code [r, in]} and B {@code [out, r]} of an adapter begin. */
public enum InitLoraWeights {
  /**
   * A uniform in ±1/√in, B zero, so that a fresh adapter changes nothing; PEFT's {@code true}. The
   * default.
   */
  KAIMING,
  /** A normal with standard deviation 1/r, B zero; PEFT's {@code "gaussian"}. */
  GAUSSIAN,
  /**
   * A uniform in ±1/√in, B uniform in ±1/√r; PEFT's {@code false}. The adapter changes the model
   * from the start: meant for tests.
   */
  RANDOM
}
