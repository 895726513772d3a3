package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.HostMemory;
import io.github.lora4j.tensor.Tensor;

/** Makes numbers of 4-bit codes on the CPU: the code book's value times the block's scale. */
final class FourBitDecoder {

  /** Elements that one thread takes at a time: whole blocks of any size. */
  private static final long PART = 1 << 16;

  private final HostMemory codes;
  private final Scales scales;
  private final int blocksize;
  private final long numel;
  private final FourBitKernels kernels;

  FourBitDecoder(Quantized4Bit weight, FourBitKernels kernels) {
    this.codes = HostMemory.of(weight.codes());
    this.scales = Scales.of(weight);
    this.blocksize = weight.blocksize();
    this.numel = weight.numel();
    this.kernels = kernels;
  }

  /**
   * Decodes everything.
   *
   * @param target F32, BF16 or F16, as many elements, contiguous, on the CPU
   */
  void decodeInto(Tensor target) {
    HostMemory memory = HostMemory.of(target);
    DType dtype = target.dtype();
    int width = dtype.byteSize();
    Parallel.run(
        numel,
        PART,
        (from, to) -> {
          int count = (int) (to - from);
          var packed = codes.buffer(from / 2, (count + 1) / 2);
          var out = memory.buffer(from * width, count * width);
          float[] absmax = scales.read(from / blocksize, (count + blocksize - 1) / blocksize);
          if (dtype == DType.F32) {
            kernels.floats(packed, absmax, count, out);
          } else {
            kernels.halves(packed, absmax, count, out, dtype);
          }
        });
  }
}
