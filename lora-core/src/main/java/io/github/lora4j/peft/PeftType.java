package io.github.lora4j.peft;

/** The kinds of adapters that are built: {@code peft_type} in {@code adapter_config.json}. */
public enum PeftType {
  /** Low-rank updates of linear layers (Hu et al., 2021). */
  LORA,
  /** Vectors that scale activations (Liu et al., 2022). */
  IA3,
  /** Virtual tokens before every sequence (Lester et al., 2021). */
  PROMPT_TUNING,
  /** Keys and values before every sequence, in every layer (Li and Liang, 2021). */
  PREFIX_TUNING,
  /** Norms that are trained whole (Zhao et al., 2023). */
  LN_TUNING
}
