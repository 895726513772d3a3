package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * Decodes 4-bit codes with libtorch's own operations, wherever they lie: the reference for {@link
 * CudaDecoder}. It takes several passes over memory.
 */
final class AtenDecoder {

  private AtenDecoder() {}

  static void decodeInto(Quantized4Bit weight, Tensor target) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      int blocksize = weight.blocksize();
      long numel = weight.numel();
      long whole = numel / blocksize;
      Tensor values =
          pairs(weight)
              .indexSelect(0, weight.codes().view(weight.codes().numel()).to(DType.I32))
              .view(2 * weight.codes().numel());
      Tensor scales = scales(weight);
      Tensor flat = target.view(numel);
      if (whole > 0) {
        flat.narrow(0, 0, whole * blocksize)
            .view(whole, blocksize)
            .copyInPlace(
                values
                    .narrow(0, 0, whole * blocksize)
                    .view(whole, blocksize)
                    .mul(scales.narrow(0, 0, whole).unsqueeze(1)));
      }
      long rest = numel - whole * blocksize;
      if (rest > 0) {
        flat.narrow(0, whole * blocksize, rest)
            .copyInPlace(values.narrow(0, whole * blocksize, rest).mul(scales.narrow(0, whole, 1)));
      }
    }
  }

  /** The two values of each byte, F32 {@code [256, 2]}. */
  private static Tensor pairs(Quantized4Bit weight) {
    float[] codeBook = weight.type().codeBook();
    float[] pairs = new float[512];
    for (int code = 0; code < 256; code++) {
      pairs[2 * code] = codeBook[code >>> 4];
      pairs[2 * code + 1] = codeBook[code & 15];
    }
    return Tensor.of(pairs, 256, 2).to(weight.device());
  }

  /** The scales, F32 {@code [blocks]}. */
  private static Tensor scales(Quantized4Bit weight) {
    if (weight.nested().isEmpty()) {
      return weight.absmax();
    }
    Quantized4Bit.Nested nested = weight.nested().get();
    Device device = weight.device();
    Tensor values =
        nested
            .codeMap()
            .indexSelect(0, weight.absmax().view(weight.absmax().numel()).to(DType.I32));
    long[] block = new long[(int) values.numel()];
    for (int i = 0; i < block.length; i++) {
      block[i] = i / nested.blocksize();
    }
    Tensor ofBlock = nested.absmax().indexSelect(0, Tensor.of(block, block.length).to(device));
    return values.mul(ofBlock).add(nested.offset());
  }
}
