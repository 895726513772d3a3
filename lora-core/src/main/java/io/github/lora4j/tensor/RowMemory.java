package io.github.lora4j.tensor;

import java.nio.FloatBuffer;
import java.nio.ShortBuffer;

/** A dense tensor on the CPU that Java writes single numbers into: bfloat16 or float32. */
public final class RowMemory implements AutoCloseable {

  private final Tensor tensor;
  private final boolean half;
  private final long address;
  private final long bytes; // of a number
  private final ShortBuffer halves;
  private final FloatBuffer floats;
  private final ReadAhead ahead;

  private RowMemory(Tensor tensor) {
    this.tensor = tensor;
    this.half = tensor.dtype() == DType.BF16;
    this.address = tensor.address();
    this.bytes = tensor.dtype().byteSize();
    this.halves = half ? Rows.halves(tensor) : ShortBuffer.allocate(0);
    this.floats = half ? FloatBuffer.allocate(0) : Rows.floats(tensor);
    this.ahead = new ReadAhead(tensor);
  }

  /** Takes ownership of a tensor. */
  public static RowMemory of(Tensor tensor) {
    if (!Rows.isReadable(tensor)) {
      throw new IllegalArgumentException(
          "tensor: expected a dense one on the CPU, float32 or bfloat16, found " + tensor);
    }
    return new RowMemory(tensor);
  }

  /**
   * Writes numbers, rounded.
   *
   * @param at the first element
   * @param stride from one element to the next
   */
  public void put(int at, int stride, float[] source, int from, int count) {
    for (int i = 0; i < count; i++) {
      if (half) {
        halves.put(at + i * stride, Rows.toBfloat16(source[from + i]));
      } else {
        floats.put(at + i * stride, source[from + i]);
      }
    }
  }

  /** Reads numbers that lie one behind the other. */
  public void get(int at, float[] into, int from, int count) {
    if (half) {
      for (int i = 0; i < count; i++) {
        into[from + i] = Float.intBitsToFloat(halves.get(at + i) << 16);
      }
    } else {
      floats.get(at, into, from, count);
    }
  }

  /** Brings numbers that lie one behind the other into the cache, for a product to read them. */
  public void readAhead(int from, int count) {
    ahead.read(from * bytes, (from + count) * bytes);
  }

  /** The address of an element. */
  public long address(int element) {
    return address + element * bytes;
  }

  @Override
  public void close() {
    tensor.close();
  }
}
