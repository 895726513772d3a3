package io.github.lora4j.peft;

/** Which sign prevails in an element of several adapters: PEFT's {@code majority_sign_method}. */
public enum MajoritySignMethod {
  /** That of their sum. */
  TOTAL,
  /** That which more of them have. */
  FREQUENCY
}
