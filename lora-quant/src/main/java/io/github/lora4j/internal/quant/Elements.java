package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.HostMemory;
import io.github.lora4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ShortBuffer;

/** The elements of a dense F32, BF16 or F16 tensor on the CPU, as float32. */
final class Elements {

  private final HostMemory memory;
  private final DType dtype;

  private Elements(HostMemory memory, DType dtype) {
    this.memory = memory;
    this.dtype = dtype;
  }

  static Elements of(Tensor tensor) {
    requireFloats(tensor.dtype());
    return new Elements(HostMemory.of(tensor), tensor.dtype());
  }

  /** What can be quantized, and dequantized to. */
  static void requireFloats(DType dtype) {
    if (dtype != DType.F32 && dtype != DType.BF16 && dtype != DType.F16) {
      throw new IllegalArgumentException("dtype: expected F32, BF16 or F16, found " + dtype);
    }
  }

  /** Reads elements from {@code from} on into the first {@code count} places. */
  void read(long from, float[] into, int count) {
    ByteBuffer bytes = memory.buffer(from * dtype.byteSize(), count * dtype.byteSize());
    if (dtype == DType.F32) {
      bytes.asFloatBuffer().get(into, 0, count);
      return;
    }
    short[] bits = new short[count];
    bytes.asShortBuffer().get(bits);
    if (dtype == DType.BF16) {
      for (int i = 0; i < count; i++) {
        into[i] = Halves.fromBfloat16(bits[i]);
      }
    } else {
      for (int i = 0; i < count; i++) {
        into[i] = Halves.fromFloat16(bits[i]);
      }
    }
  }

  /** Overwrites elements from {@code from} on with the first {@code count} values. */
  void write(long from, float[] values, int count) {
    ByteBuffer bytes = memory.buffer(from * dtype.byteSize(), count * dtype.byteSize());
    if (dtype == DType.F32) {
      bytes.asFloatBuffer().put(values, 0, count);
      return;
    }
    short[] bits = new short[count];
    for (int i = 0; i < count; i++) {
      bits[i] = dtype == DType.BF16 ? Halves.toBfloat16(values[i]) : Halves.toFloat16(values[i]);
    }
    ShortBuffer target = bytes.asShortBuffer();
    target.put(bits);
  }
}
