package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import java.util.Arrays;

/**
 * How many bytes and scales the codes of a tensor take.
 *
 * @param bytes of two codes each
 * @param blocks with a scale each
 */
record Layout4Bit(long bytes, long blocks) {

  private static final int SMALLEST_BLOCK = 32;
  private static final int LARGEST_BLOCK = 4096;

  static Layout4Bit of(long[] shape, int blocksize) {
    if (blocksize < SMALLEST_BLOCK
        || blocksize > LARGEST_BLOCK
        || Integer.bitCount(blocksize) != 1) {
      throw new IllegalArgumentException(
          "blocksize: expected a power of two from 32 to 4096, found " + blocksize);
    }
    long numel = numel(shape);
    if (numel == 0) {
      throw new IllegalArgumentException(
          "shape: expected at least one element, found " + Arrays.toString(shape));
    }
    return new Layout4Bit((numel + 1) / 2, (numel + blocksize - 1) / blocksize);
  }

  static long numel(long[] shape) {
    long numel = 1;
    for (long size : shape) {
      numel = Math.multiplyExact(numel, size);
    }
    return numel;
  }

  static long bytes(Tensor tensor) {
    return tensor.numel() * tensor.dtype().byteSize();
  }

  static void require(String name, Tensor tensor, DType dtype, long numel) {
    if (tensor.dtype() != dtype || tensor.numel() != numel || !tensor.isContiguous()) {
      throw new IllegalArgumentException(
          name + ": expected " + numel + " contiguous elements of " + dtype + ", found " + tensor);
    }
  }
}
