package io.github.lora4j.peft;

/**
 * How {@link InitLoraWeights#LOFTQ} quantizes: PEFT's {@code LoftQConfig}.
 *
 * @param loftqBits of the quantized weight: 4
 * @param loftqIter how often quantizing and decomposing alternate, at least 1
 */
public record LoftqConfig(int loftqBits, int loftqIter) {

  /** PEFT's defaults: 4 bits, once. */
  public static final LoftqConfig DEFAULT = new LoftqConfig(4, 1);

  /**
   * Checks both.
   *
   * @throws IllegalArgumentException naming what is wrong
   */
  public LoftqConfig {
    if (loftqBits != 4) {
      throw new IllegalArgumentException(
          "loftqBits: weights are quantized to NF4, of 4 bits, not " + loftqBits);
    }
    if (loftqIter < 1) {
      throw new IllegalArgumentException("loftqIter: expected at least 1, found " + loftqIter);
    }
  }
}
