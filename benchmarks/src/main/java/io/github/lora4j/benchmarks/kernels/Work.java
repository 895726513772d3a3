package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.tensor.DType;

/**
 * What a kernel can't do without, however it is written.
 *
 * @param flops operations of matrix products; a multiplication and an addition are two
 * @param bytes that have to come in or go out
 */
record Work(double flops, double bytes) {

  /** Work that only moves memory. */
  static Work ofBytes(double bytes) {
    return new Work(0, bytes);
  }

  /** The product of {@code [m, k]} and {@code [k, n]}: both come in, one goes out. */
  static Work product(long m, long k, long n, DType dtype) {
    double numbers = (double) m * k + (double) k * n + (double) m * n;
    return new Work(2.0 * m * k * n, numbers * dtype.byteSize());
  }

  Work plus(Work other) {
    return new Work(flops + other.flops, bytes + other.bytes);
  }

  Work times(double factor) {
    return new Work(flops * factor, bytes * factor);
  }
}
