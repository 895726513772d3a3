package io.github.lora4j.peft;

import java.util.Arrays;
import java.util.Locale;

/**
 * Which biases of the base are trained: PEFT's {@code bias}. Copies of them are, the base's own
 * stay as they are; they take part while their adapter does.
 */
public enum Bias {
  /** None. The default. */
  NONE,
  /** All of the model, those of norms among them. */
  ALL,
  /** Those of the layers that the adapter updates. */
  LORA_ONLY;

  /**
   * Reads PEFT's word: {@code none}, {@code all} or {@code lora_only}.
   *
   * @throws IllegalArgumentException for another
   */
  public static Bias of(String value) {
    return Arrays.stream(values())
        .filter(bias -> bias.value().equals(value))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "bias: expected none, all or lora_only, found \"" + value + "\""));
  }

  /** PEFT's word. */
  public String value() {
    return name().toLowerCase(Locale.ROOT);
  }
}
