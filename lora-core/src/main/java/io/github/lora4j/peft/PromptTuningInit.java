package io.github.lora4j.peft;

/** How virtual tokens begin: {@code peft.PromptTuningInit}. */
public enum PromptTuningInit {
  /** As the vectors of a text's tokens. */
  TEXT,
  /** As the vectors of tokens drawn from the vocabulary. */
  SAMPLE_VOCAB,
  /** As normally distributed numbers. */
  RANDOM
}
