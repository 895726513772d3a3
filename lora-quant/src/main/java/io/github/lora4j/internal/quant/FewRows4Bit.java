package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.HostMemory;
import io.github.lora4j.tensor.Tensor;

/**
 * Products of a few rows with a coded weight, straight from the codes: each is looked up while it
 * is multiplied, and the decoded weight never exists. The weight is not rounded on the way, and
 * sums are float32.
 */
final class FewRows4Bit {

  /** Elements of the weight that one thread takes at a time. */
  private static final long PART = 1 << 17;

  private FewRows4Bit() {}

  static boolean suits(Quantized4Bit weight, Tensor x, FourBitKernels kernels) {
    long[] shape = weight.shape();
    return shape.length == 2
        && shape[1] % weight.blocksize() == 0
        && x.dim() > 0
        && x.size(-1) == shape[1]
        && x.numel() > 0
        && x.numel() <= kernels.mostRows() * shape[1]
        && (x.dtype() == DType.F32 || x.dtype() == DType.BF16 || x.dtype() == DType.F16)
        && x.isContiguous()
        && x.device().equals(Device.CPU)
        && weight.device().equals(Device.CPU);
  }

  static Tensor multiply(Quantized4Bit weight, Tensor x, FourBitKernels kernels) {
    int out = Math.toIntExact(weight.shape()[0]);
    int in = Math.toIntExact(weight.shape()[1]);
    int rows = (int) (x.numel() / in);
    float[] plain = new float[rows * in];
    Elements.of(x).read(0, plain, plain.length);
    float[] arranged = kernels.arrange(plain);
    HostMemory codes = HostMemory.of(weight.codes());
    Scales scales = Scales.of(weight);
    int blocks = in / weight.blocksize();
    float[] y = new float[rows * out];
    Parallel.run(
        out,
        Math.max(1, PART / in),
        (from, to) -> {
          float[] absmax = scales.read(from * blocks, (int) (to - from) * blocks);
          int bytes = in / 2;
          byte[] packed = new byte[(int) (to - from) * bytes];
          codes.buffer(from * bytes, packed.length).get(packed);
          for (int i = 0; i < to - from; i++) {
            for (int row = 0; row < rows; row++) {
              y[row * out + (int) from + i] =
                  kernels.dot(packed, i * bytes, bytes, absmax, i * blocks, arranged, row * in);
            }
          }
        });
    long[] shape = x.shape();
    shape[shape.length - 1] = out;
    Tensor result = Tensor.empty(x.dtype(), Device.CPU, shape);
    Elements.of(result).write(0, y, y.length);
    return result;
  }
}
