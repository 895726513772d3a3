package io.github.lora4j.benchmarks.compare;

/** What a case does differently from the plain one of its kind. */
enum Variant {
  /** Nothing. */
  PLAIN,
  /** Gradient checkpointing. */
  CKPT,
  /** What isn't quantized in float32: {@code prepare_model_for_kbit_training}. */
  FLOAT32,
  /** Several examples in one row instead of padding. */
  PACKED,
  /** The adapter merged into the weights. */
  MERGED,
  /** Our JVM starts with an archive of its classes; the other side as it always does. */
  ARCHIVE
}
