package io.github.lora4j.peft;

/** What the adapted model is for, with the names of PEFT's {@code TaskType}. */
public enum TaskType {
  /** Classification of whole sequences. */
  SEQ_CLS,
  /** Sequence to sequence language modelling. */
  SEQ_2_SEQ_LM,
  /** Causal language modelling. */
  CAUSAL_LM,
  /** Classification of single tokens. */
  TOKEN_CLS,
  /** Extractive question answering. */
  QUESTION_ANS,
  /** Hidden states for use elsewhere. */
  FEATURE_EXTRACTION
}
