package io.github.lora4j.quant;

import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/** A matrix in 4 or 8 bits, which owns its tensors. */
sealed interface QuantizedWeight extends AutoCloseable permits FourBitWeight, EightBitWeight {

  /** What counts as the parameter: U8 or I8. */
  Tensor codes();

  Device device();

  /**
   * Decodes into memory at hand.
   *
   * @param target {@code [out, in]}, contiguous
   */
  void dequantizeInto(Tensor target);

  /**
   * The product of a few rows with the transposed matrix, straight from the codes.
   *
   * @param x {@code [..., in]}
   * @return {@code [..., out]} in x's dtype; empty where decoding first is faster
   */
  Optional<Tensor> fewRows(Tensor x);

  /** Codes another matrix in the same way. */
  QuantizedWeight requantized(Tensor weight);

  /** What a checkpoint holds, by names behind the module's; new tensors are the scope's. */
  Map<String, Tensor> stored();

  QuantizedWeight share();

  @Override
  void close();
}
