package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;

/** What is left of a weight after it was quantized: {@code dequantize(quantize(W))}. */
@FunctionalInterface
interface Requantize {

  /**
   * Quantizes and dequantizes.
   *
   * @param weight {@code [out, in]}, F32, which stays as it is
   * @return the same shape, of any floating dtype, in the caller's scope
   */
  Tensor apply(Tensor weight);
}
