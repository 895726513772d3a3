package io.github.lora4j.generate;

/** Why a sequence stopped growing. */
public enum FinishReason {
  /** The model produced one of the end-of-sequence tokens. */
  EOS,
  /** The text came to hold one of {@link GenerationConfig#stopStrings()}. */
  STOP_STRING,
  /** {@link GenerationConfig#maxNewTokens()} tokens were produced. */
  LENGTH
}
