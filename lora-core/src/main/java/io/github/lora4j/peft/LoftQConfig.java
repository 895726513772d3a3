package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * How {@link InitLoraWeights#LOFTQ} rounds the base's weights: PEFT's {@code LoftQConfig}.
 *
 * <pre>{@code
 * LoraConfig.builder().initLoraWeights(InitLoraWeights.LOFTQ).loftqConfig(new LoftQConfig(4, 5))
 * }</pre>
 *
 * <p>Rounding is that of bitsandbytes, which the module lora-quant has. PEFT's own for 2 bits is
 * gone since its version 0.20.
 *
 * @param loftqBits 4, NF4 in blocks of 64 with plain scales, or 8, LLM.int8: a scale for each row
 * @param loftqIter how many times the weight less the adapter is rounded, and the adapter fitted to
 *     what that lost; at least 1
 */
public record LoftQConfig(int loftqBits, int loftqIter) {

  static final String BITS = "loftq_bits";
  static final String ITER = "loftq_iter";

  /** PEFT's defaults: 4 bits, once. */
  public static final LoftQConfig DEFAULT = new LoftQConfig(4, 1);

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming what is out of range
   */
  public LoftQConfig {
    if (loftqBits != 4 && loftqBits != 8) {
      throw new IllegalArgumentException(
          "loftqBits: expected 4 (NF4) or 8 (LLM.int8), as in PEFT since 0.20, found " + loftqBits);
    }
    if (loftqIter < 1) {
      throw new IllegalArgumentException(
          "loftqIter: expected a number of at least 1, found " + loftqIter);
    }
  }

  /** What adapter_config.json has under {@code loftq_config}. */
  Map<String, Object> toJson() {
    return new TreeMap<>(Map.of(BITS, loftqBits, ITER, loftqIter));
  }

  /** What a {@code config.json} would say of weights that are rounded so. */
  Map<String, Object> quantizationConfig(DType computed) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("quant_method", "bitsandbytes");
    if (loftqBits == 4) {
      config.put("load_in_4bit", true);
      config.put("bnb_4bit_quant_type", "nf4");
      config.put("bnb_4bit_use_double_quant", false);
      config.put("bnb_4bit_compute_dtype", computed.torchName());
    } else {
      config.put("load_in_8bit", true);
    }
    return config;
  }
}
