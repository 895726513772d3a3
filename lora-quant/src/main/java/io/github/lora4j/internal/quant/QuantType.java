package io.github.lora4j.internal.quant;

import java.util.Locale;
import java.util.Optional;

/** A code book of sixteen values: {@code bnb_4bit_quant_type}. */
public enum QuantType {
  /** Quantiles of the normal distribution, as in the QLoRA paper. */
  NF4(
      new float[] {
        -1.0f,
        -0.6961928009986877f,
        -0.5250730514526367f,
        -0.39491748809814453f,
        -0.28444138169288635f,
        -0.18477343022823334f,
        -0.09105003625154495f,
        0.0f,
        0.07958029955625534f,
        0.16093020141124725f,
        0.24611230194568634f,
        0.33791524171829224f,
        0.44070982933044434f,
        0.5626170039176941f,
        0.7229568362236023f,
        1.0f
      },
      new byte[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}),
  /** Floating point with a sign, two bits of exponent and one of mantissa, in bit order. */
  FP4(
      new float[] {
        0.0f,
        0.0625f / 12,
        8.0f / 12,
        12.0f / 12,
        4.0f / 12,
        6.0f / 12,
        2.0f / 12,
        3.0f / 12,
        0.0f,
        -0.0625f / 12,
        -8.0f / 12,
        -12.0f / 12,
        -4.0f / 12,
        -6.0f / 12,
        -2.0f / 12,
        -3.0f / 12
      },
      // Zero has two codes; bitsandbytes takes code 8 for what is just above it.
      new byte[] {11, 10, 13, 12, 15, 14, 9, 0, 8, 1, 6, 7, 4, 5, 2, 3});

  private final float[] codeBook;
  private final byte[] ascending;

  QuantType(float[] codeBook, byte[] ascending) {
    this.codeBook = codeBook;
    this.ascending = ascending;
  }

  /** The sixteen values by code: {@code quant_map}. */
  public float[] codeBook() {
    return codeBook.clone();
  }

  /** The name in configurations and files, such as {@code nf4}. */
  public String bnbName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Finds a type by its name in configurations and files. */
  public static Optional<QuantType> byBnbName(String name) {
    for (QuantType type : values()) {
      if (type.bnbName().equals(name)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /** The codes in the order of their values. */
  byte[] ascending() {
    return ascending.clone();
  }

  /** Where one code ends and the next begins, ascending; a value on it has the lower code. */
  float[] thresholds() {
    float[] thresholds = new float[codeBook.length - 1];
    for (int i = 0; i < thresholds.length; i++) {
      thresholds[i] = (codeBook[ascending[i]] + codeBook[ascending[i + 1]]) / 2;
    }
    return thresholds;
  }
}
