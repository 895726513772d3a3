package io.github.lora4j.quant;

import io.github.lora4j.internal.quant.QuantType;

/** The sixteen values that 4-bit weights have before scaling: {@code bnb_4bit_quant_type}. */
public enum Bnb4BitQuantType {
  /** Quantiles of the normal distribution (Dettmers et al., 2023). */
  NF4(QuantType.NF4),
  /** Floating-point numbers with a sign, two bits of exponent and one of mantissa. */
  FP4(QuantType.FP4);

  private final QuantType kernel;

  Bnb4BitQuantType(QuantType kernel) {
    this.kernel = kernel;
  }

  QuantType kernel() {
    return kernel;
  }

  /** The name in {@code config.json}: {@code nf4} or {@code fp4}. */
  String configName() {
    return kernel.bnbName();
  }
}
