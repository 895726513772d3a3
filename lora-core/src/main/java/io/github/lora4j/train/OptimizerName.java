package io.github.lora4j.train;

/** The optimizers there are, by transformers' names. */
public enum OptimizerName {
  /** AdamW (Loshchilov and Hutter, 2019) as {@code torch.optim.AdamW} computes it. The default. */
  ADAMW_TORCH;

  /**
   * The optimizer that transformers knows under this name, such as {@code adamw_torch}.
   *
   * @throws IllegalArgumentException for a name that is unknown or not built yet
   */
  public static OptimizerName of(String name) {
    return NamedChoice.of("optim", name, values());
  }

  /** The name in transformers, such as {@code adamw_torch}. */
  @Override
  public String toString() {
    return NamedChoice.nameOf(this);
  }
}
