package io.github.lora4j.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;

/**
 * The bytes of a dense tensor on the CPU, for kernels written in Java.
 *
 * <p>Nothing is copied, and no operation of libtorch notices what is written. The tensor must stay
 * open, and nothing else may write to it, while a buffer of it is in use.
 */
public final class HostMemory {

  private final BytePointer start;
  private final long size;

  private HostMemory(BytePointer start, long size) {
    this.start = start;
    this.size = size;
  }

  /**
   * The memory of a tensor.
   *
   * @throws IllegalArgumentException if it isn't contiguous or not on the CPU
   */
  public static HostMemory of(Tensor tensor) {
    if (!tensor.isContiguous() || tensor.handle().is_cuda()) {
      throw new IllegalArgumentException(
          "tensor: expected contiguous memory on the CPU, found " + tensor + "; see contiguous()");
    }
    return new HostMemory(
        new BytePointer(tensor.handle().data_ptr()), tensor.numel() * tensor.dtype().byteSize());
  }

  /** The number of bytes. */
  public long size() {
    return size;
  }

  /**
   * A view of some bytes, in the byte order of the machine.
   *
   * @param from the first one
   * @param length how many, at least one
   */
  public ByteBuffer buffer(long from, int length) {
    if (from < 0 || length < 1 || from > size - length) {
      throw new IllegalArgumentException(
          "bytes: expected a range inside [0, " + size + "), found " + length + " at " + from);
    }
    return start.getPointer(from).limit(length).asByteBuffer().order(ByteOrder.nativeOrder());
  }
}
