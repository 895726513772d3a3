package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.HostMemory;
import java.nio.ByteBuffer;
import java.util.Optional;

/** The scales of all blocks on the CPU, decoded where they are coded themselves. */
final class Scales {

  private final HostMemory absmax;
  private final Optional<Coded> coded;

  private Scales(HostMemory absmax, Optional<Coded> coded) {
    this.absmax = absmax;
    this.coded = coded;
  }

  /** What decodes coded scales. */
  private record Coded(float[] map, float[] absmax, float offset, int blocksize) {}

  static Scales of(Quantized4Bit weight) {
    return new Scales(
        HostMemory.of(weight.absmax()),
        weight
            .nested()
            .map(
                nested ->
                    new Coded(
                        nested.codeMap().toFloatArray(),
                        nested.absmax().toFloatArray(),
                        nested.offset(),
                        nested.blocksize())));
  }

  /** The scales of some blocks, from {@code from} on. */
  float[] read(long from, int count) {
    float[] scales = new float[count];
    if (coded.isEmpty()) {
      absmax.buffer(from * Float.BYTES, count * Float.BYTES).asFloatBuffer().get(scales);
      return scales;
    }
    Coded by = coded.get();
    ByteBuffer codes = absmax.buffer(from, count);
    int i = 0;
    while (i < count) {
      int of = (int) ((from + i) / by.blocksize);
      float scale = by.absmax[of];
      int end = (int) Math.min(count, (of + 1L) * by.blocksize - from);
      for (; i < end; i++) {
        scales[i] = by.map[codes.get(i) & 0xff] * scale + by.offset;
      }
    }
    return scales;
  }
}
