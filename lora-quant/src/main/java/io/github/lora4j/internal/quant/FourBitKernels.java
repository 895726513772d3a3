package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.DType;
import java.nio.ByteBuffer;

/**
 * The loops over 4-bit codes. Elements come in whole blocks but for the last one, and buffers are
 * in the byte order of the machine, which is little-endian wherever libtorch runs.
 */
interface FourBitKernels {

  /**
   * Decodes to float32.
   *
   * @param packed two codes in each byte, the first in the high half
   * @param absmax the scales of the blocks, from the first on
   * @param count of elements
   * @param out receives them
   */
  void floats(ByteBuffer packed, float[] absmax, int count, ByteBuffer out);

  /**
   * Decodes to 16 bits, rounded from float32.
   *
   * @param dtype BF16 or F16
   */
  void halves(ByteBuffer packed, float[] absmax, int count, ByteBuffer out, DType dtype);

  /**
   * The product of a row of weights with a vector, in float32.
   *
   * @param codes two in each byte; the row's from {@code at} on, whole blocks
   * @param bytes how many are the row's
   * @param absmax the scales, the row's from {@code block} on
   * @param x the vector, {@link #arrange arranged}, from {@code xAt} on
   */
  float dot(byte[] codes, int at, int bytes, float[] absmax, int block, float[] x, int xAt);

  /** With more vectors than this decoding once and a product of libtorch's are faster: measured. */
  int mostRows();

  /** Puts vectors, of whole blocks each, into the order that {@link #dot} reads them in. */
  float[] arrange(float[] x);
}
