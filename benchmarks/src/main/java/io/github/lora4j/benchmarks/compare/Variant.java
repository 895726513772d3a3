package io.github.lora4j.benchmarks.compare;

/** What a case does differently from the plain one of its kind. */
enum Variant {
  /** Nothing. */
  PLAIN,
  /** Gradient checkpointing. */
  CKPT,
  /** Several examples in one row instead of padding. */
  PACKED,
  /** The adapter merged into the weights. */
  MERGED
}
