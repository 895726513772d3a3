package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.HostMemory;
import io.github.lora4j.tensor.Tensor;
import java.util.Arrays;

/** Makes 4-bit codes of numbers on the CPU: the nearest value of the code book, block by block. */
final class FourBitEncoder {

  private static final int BINS = 1024;
  private static final long PART = 1 << 17;

  private final int blocksize;
  private final byte[] ascending;
  // A bin holds one threshold at most: a value's place is the bin's, or the next one.
  private final byte[] placeOfBin = new byte[BINS + 1];
  private final float[] thresholdOfBin = new float[BINS + 1];

  FourBitEncoder(QuantType type, int blocksize) {
    this.blocksize = blocksize;
    this.ascending = type.ascending();
    float[] thresholds = type.thresholds();
    for (int bin = 0; bin <= BINS; bin++) {
      // A little wider than the bin, since rounding may put a value into the next one.
      float low = (bin - 0.01f) / (BINS / 2) - 1;
      byte place = 0;
      while (place < thresholds.length && thresholds[place] < low) {
        place++;
      }
      placeOfBin[bin] = place;
      thresholdOfBin[bin] = place < thresholds.length ? thresholds[place] : Float.MAX_VALUE;
    }
  }

  /**
   * Codes all elements.
   *
   * @param source F32, BF16 or F16, contiguous, on the CPU
   * @param codes U8, two elements in each, the first in the high half
   * @param absmax F32, one for each block
   * @throws IllegalArgumentException if an element is not finite
   */
  void encode(Tensor source, Tensor codes, Tensor absmax) {
    Elements elements = Elements.of(source);
    HostMemory packed = HostMemory.of(codes);
    HostMemory scales = HostMemory.of(absmax);
    long numel = source.numel();
    Parallel.run(
        numel,
        PART,
        (from, to) -> {
          int count = (int) (to - from);
          int blocks = (count + blocksize - 1) / blocksize;
          // Zeros after a short last block.
          float[] values = new float[blocks * blocksize];
          elements.read(from, values, count);
          byte[] bytes = new byte[values.length / 2];
          float[] absmaxes = new float[blocks];
          for (int block = 0; block < blocks; block++) {
            int at = block * blocksize;
            float largest = largest(values, at);
            if (!(largest <= Float.MAX_VALUE)) {
              throw notFinite(source, from, values);
            }
            absmaxes[block] = largest;
            if (count - at < blocksize) {
              encodeShortBlock(values, at, largest, bytes);
            } else {
              encodeBlock(values, at, largest, bytes);
            }
          }
          packed.buffer(from / 2, (count + 1) / 2).put(bytes, 0, (count + 1) / 2);
          scales.buffer(from / blocksize * 4, 4 * blocks).asFloatBuffer().put(absmaxes);
        });
  }

  private float largest(float[] values, int at) {
    float largest = 0;
    for (int i = 0; i < blocksize; i++) {
      largest = Math.max(largest, Math.abs(values[at + i]));
    }
    return largest;
  }

  private void encodeBlock(float[] values, int at, float absmax, byte[] bytes) {
    float inverse = 1 / Math.max(absmax, 1e-38f);
    for (int i = at; i < at + blocksize; i += 2) {
      bytes[i >> 1] = (byte) (code(values[i] * inverse) << 4 | code(values[i + 1] * inverse));
    }
  }

  /** bitsandbytes divides in a block that isn't full. */
  private void encodeShortBlock(float[] values, int at, float absmax, byte[] bytes) {
    float divisor = Math.max(absmax, 1e-38f);
    for (int i = at; i < at + blocksize; i += 2) {
      bytes[i >> 1] = (byte) (code(values[i] / divisor) << 4 | code(values[i + 1] / divisor));
    }
  }

  private int code(float scaled) {
    int bin = (int) ((scaled + 1) * (BINS / 2));
    int place = placeOfBin[bin];
    return ascending[scaled > thresholdOfBin[bin] ? place + 1 : place];
  }

  private static IllegalArgumentException notFinite(Tensor source, long from, float[] values) {
    int i = 0;
    while (Math.abs(values[i]) <= Float.MAX_VALUE) {
      i++;
    }
    long[] shape = source.shape();
    long[] at = new long[shape.length];
    long rest = from + i;
    for (int dim = shape.length - 1; dim >= 0; dim--) {
      at[dim] = rest % shape[dim];
      rest /= shape[dim];
    }
    return new IllegalArgumentException(
        "source: expected finite numbers, found "
            + values[i]
            + " at "
            + Arrays.toString(at)
            + " of "
            + source
            + "; a weight with it cannot be quantized");
  }
}
