package io.github.lora4j.peft;

/**
 * A module of the base model, as far as matching needs to know it.
 *
 * @param name in the checkpoint, such as {@code model.layers.0.self_attn.q_proj}
 */
record ModuleEntry(String name, Kind kind) {

  /** What a module is. */
  enum Kind {
    /** A linear layer. */
    LINEAR,
    /** The linear layer that makes the model's output: never part of all-linear. */
    OUTPUT_HEAD,
    /** A table of token embeddings. */
    EMBEDDING,
    /** A norm, which can be trained whole but has no updates. */
    NORM,
    /** A container, anything that can have no adapter. */
    OTHER
  }

  /** Whether it can have a low-rank update. */
  boolean takesUpdates() {
    return isLinear() || kind == Kind.EMBEDDING;
  }

  /** Whether it can be trained whole. */
  boolean canBeCopied() {
    return takesUpdates() || kind == Kind.NORM;
  }

  boolean isLinear() {
    return kind == Kind.LINEAR || kind == Kind.OUTPUT_HEAD;
  }
}
