package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.HostMemory;
import io.github.lora4j.tensor.Tensor;

/** Makes numbers of 4-bit codes on the CPU: the code book's value times the block's scale. */
final class FourBitDecoder {

  /** Elements that one thread takes at a time. */
  private static final long PART = 1 << 18;

  /** Elements that are decoded before they are written: they stay in the cache. */
  private static final int STRETCH = 1 << 13;

  private final float[] codeBook;
  private final HostMemory codes;
  private final Scales scales;
  private final int blocksize;
  private final long numel;

  FourBitDecoder(Quantized4Bit weight) {
    codeBook = weight.type().codeBook();
    codes = HostMemory.of(weight.codes());
    scales = Scales.of(weight);
    blocksize = weight.blocksize();
    numel = weight.numel();
  }

  /**
   * Decodes everything.
   *
   * @param target F32, BF16 or F16, as many elements, contiguous, on the CPU
   */
  void decodeInto(Tensor target) {
    HostMemory memory = HostMemory.of(target);
    DType dtype = target.dtype();
    Parallel.run(
        numel,
        PART,
        (from, to) -> {
          Stretch stretch = new Stretch();
          for (long at = from; at < to; at += STRETCH) {
            int count = (int) Math.min(STRETCH, to - at);
            stretch.load(at, count);
            if (dtype == DType.F32) {
              stretch.writeFloats(memory, at, count);
            } else {
              stretch.writeHalves(memory, at, count, dtype);
            }
          }
        });
  }

  /** What one thread works on. */
  private final class Stretch {
    private final byte[] packed = new byte[STRETCH / 2];
    private final float[] absmax = new float[STRETCH / blocksize];

    void load(long at, int count) {
      int bytes = (count + 1) / 2;
      codes.buffer(at / 2, bytes).get(packed, 0, bytes);
      scales.read(at / blocksize, absmax, (count + blocksize - 1) / blocksize);
    }

    void writeFloats(HostMemory target, long at, int count) {
      float[] out = new float[STRETCH];
      float[] table = new float[16];
      for (int block = 0; block * blocksize < count; block++) {
        for (int code = 0; code < 16; code++) {
          table[code] = codeBook[code] * absmax[block];
        }
        int end = (block + 1) * blocksize / 2;
        for (int i = block * blocksize / 2; i < end; i++) {
          out[2 * i] = table[(packed[i] >>> 4) & 15];
          out[2 * i + 1] = table[packed[i] & 15];
        }
      }
      target.buffer(4 * at, 4 * count).asFloatBuffer().put(out, 0, count);
    }

    void writeHalves(HostMemory target, long at, int count, DType dtype) {
      short[] out = new short[STRETCH];
      short[] table = new short[16];
      for (int block = 0; block * blocksize < count; block++) {
        for (int code = 0; code < 16; code++) {
          float value = codeBook[code] * absmax[block];
          table[code] = dtype == DType.BF16 ? Halves.toBfloat16(value) : Halves.toFloat16(value);
        }
        int end = (block + 1) * blocksize / 2;
        for (int i = block * blocksize / 2; i < end; i++) {
          out[2 * i] = table[(packed[i] >>> 4) & 15];
          out[2 * i + 1] = table[packed[i] & 15];
        }
      }
      target.buffer(2 * at, 2 * count).asShortBuffer().put(out, 0, count);
    }
  }
}
