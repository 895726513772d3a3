package io.github.lora4j.train;

import java.util.Locale;
import java.util.Map;

/**
 * The optimizers there are, by transformers' names.
 *
 * <p>Those of bitsandbytes (8-bit or paged, and Lion) are in the module lora-quant. Their 8-bit
 * states are quantized in blocks of 256 to a dynamic map, two bytes a parameter for AdamW where
 * float32 states take eight; tensors under 4,096 elements, and whole embeddings, keep float32
 * states. Paged means that the states lie in host memory when the model is on a GPU; on the CPU it
 * changes nothing.
 */
public enum OptimizerName {
  /** AdamW (Loshchilov and Hutter, 2019) as {@code torch.optim.AdamW} computes it. The default. */
  ADAMW_TORCH,
  /** The same as {@link #ADAMW_TORCH}, which is fused here: the default name of transformers 5. */
  ADAMW_TORCH_FUSED,
  /** Gradient descent without momentum, {@code torch.optim.SGD}; it has no states. */
  SGD,
  /** AdamW of bitsandbytes with 8-bit states; also {@code adamw_8bit}. */
  ADAMW_BNB_8BIT,
  /** AdamW of bitsandbytes with 8-bit states in host memory. */
  PAGED_ADAMW_8BIT,
  /** AdamW of bitsandbytes with float32 states in host memory; also {@code paged_adamw}. */
  PAGED_ADAMW_32BIT,
  /**
   * Lion (Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023) with an 8-bit state.
   * Its betas are {@code adamBeta1} and {@code adamBeta2}, as in transformers; the paper's are 0.9
   * and 0.99.
   */
  LION_8BIT,
  /** Lion with a float32 state; also {@code lion}. */
  LION_32BIT,
  /** {@link #LION_8BIT} with its state in host memory. */
  PAGED_LION_8BIT,
  /** {@link #LION_32BIT} with its state in host memory; also {@code paged_lion}. */
  PAGED_LION_32BIT;

  private static final Map<String, OptimizerName> ALIASES =
      Map.of(
          "adamw_8bit", ADAMW_BNB_8BIT,
          "paged_adamw", PAGED_ADAMW_32BIT,
          "lion", LION_32BIT,
          "paged_lion", PAGED_LION_32BIT);

  /**
   * The optimizer that transformers knows under this name, such as {@code adamw_torch}.
   *
   * @throws IllegalArgumentException for a name that is unknown or not built yet
   */
  public static OptimizerName of(String name) {
    OptimizerName alias = ALIASES.get(name.toLowerCase(Locale.ROOT));
    return alias == null ? NamedChoice.of("optim", name, values()) : alias;
  }

  /** The name in transformers, such as {@code adamw_torch}. */
  @Override
  public String toString() {
    return NamedChoice.nameOf(this);
  }
}
