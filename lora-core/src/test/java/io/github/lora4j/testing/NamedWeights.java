package io.github.lora4j.testing;

import io.github.lora4j.tensor.Tensor;
import java.nio.charset.StandardCharsets;

/**
 * Weights that follow from their names, so that a fixture needs only names and shapes: byte for
 * byte those of {@code fill} in src/test/python/family_cases.py, which says what they are like.
 */
final class NamedWeights {

  private static final long FNV_BASIS = 0xCBF29CE484222325L;
  private static final long FNV_PRIME = 0x100000001B3L;
  private static final float ADAPTER_SCALE = 0.25f;
  private static final float START_SCALE = 0.0625f;

  private final int seed;

  NamedWeights(int seed) {
    this.seed = seed;
  }

  /** A weight of a model. */
  Tensor ofModel(String name, long... shape) {
    if (shape.length > 1) {
      long smaller = Math.min(shape[shape.length - 1], shape[shape.length - 2]);
      int bits = Long.SIZE - Long.numberOfLeadingZeros(smaller);
      return make(name, Math.scalb(1f, 1 - bits / 2), 0, shape);
    }
    return make(name, 0.25f, name.endsWith("bias") ? 0 : 1, shape);
  }

  /** A weight of an adapter. */
  Tensor ofAdapter(String name, long... shape) {
    return make(name, ADAPTER_SCALE, 0, shape);
  }

  /** A weight of an adapter that is about to be trained. */
  Tensor ofStart(String name, long... shape) {
    return make(name, START_SCALE, 0, shape);
  }

  private Tensor make(String name, float scale, float shift, long... shape) {
    long state = FNV_BASIS;
    for (byte b : (seed + ":" + name).getBytes(StandardCharsets.UTF_8)) {
      state = (state ^ (b & 0xff)) * FNV_PRIME;
    }
    int count = 1;
    for (long size : shape) {
      count = Math.multiplyExact(count, Math.toIntExact(size));
    }
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      long z = state + (i + 1) * 0x9E3779B97F4A7C15L;
      z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
      z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
      z = z ^ (z >>> 31);
      float unit = ((z >>> 56) * 2 - 255) / 256f;
      values[i] = shift + unit * scale;
    }
    return Tensor.of(values, shape);
  }
}
