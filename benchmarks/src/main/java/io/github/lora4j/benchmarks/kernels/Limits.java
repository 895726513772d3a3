package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * What bare operations reach in this process.
 *
 * @param flopsPerMs of a matrix product
 * @param bytesPerMs that are read or written
 */
record Limits(double flopsPerMs, double bytesPerMs) {

  private static final long SIDE = 1024;
  private static final double LARGE_COPY = 256e6; // 128 MB are read, as many written

  /**
   * Measures a product and a copy.
   *
   * @param dtype of the product
   * @param work gives the size of a second copy: what fits into a cache may move faster than a
   *     large copy does
   */
  static Limits measure(DType dtype, Work work) {
    double large = copyBytesPerMs(LARGE_COPY);
    double same = work.bytes() < LARGE_COPY ? copyBytesPerMs(work.bytes()) : large;
    return new Limits(work.flops() > 0 ? flopsPerMs(dtype) : 1, Math.max(large, same));
  }

  private static double flopsPerMs(DType dtype) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open();
        Generator generator = Generator.of(1)) {
      Tensor a = Tensor.uniform(-1, 1, generator, SIDE, SIDE).to(dtype);
      Tensor b = Tensor.uniform(-1, 1, generator, SIDE, SIDE).to(dtype);
      // Libraries may prefer one layout of the second matrix.
      double plain = Stopwatch.bestMs(() -> a.matmul(b));
      double transposed = Stopwatch.bestMs(() -> Functional.linear(a, b));
      return 2.0 * SIDE * SIDE * SIDE / Math.min(plain, transposed);
    }
  }

  private static double copyBytesPerMs(double moved) {
    long numbers = Math.max(1, (long) (moved / 2 / DType.F32.byteSize()));
    try (TensorScope scope = TensorScope.open()) {
      Tensor from = Tensor.full(1, DType.F32, Device.CPU, numbers);
      Tensor to = Tensor.full(0, DType.F32, Device.CPU, numbers);
      double ms = Stopwatch.bestMs(() -> to.copyInPlace(from));
      return 2.0 * numbers * DType.F32.byteSize() / ms;
    }
  }

  /** The better of two measurements. */
  Limits best(Limits other) {
    return new Limits(
        Math.max(flopsPerMs, other.flopsPerMs), Math.max(bytesPerMs, other.bytesPerMs));
  }

  double computeMs(Work work) {
    return work.flops() / flopsPerMs;
  }

  double moveMs(Work work) {
    return work.bytes() / bytesPerMs;
  }
}
