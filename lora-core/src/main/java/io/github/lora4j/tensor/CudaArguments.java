package io.github.lora4j.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What a kernel of a {@link CudaProgram} is called with, in the order of its parameters. Each must
 * be added with exactly the parameter's type: nothing checks or converts it.
 */
public final class CudaArguments {

  private final List<byte[]> bytes = new ArrayList<>();
  private final List<Tensor> tensors = new ArrayList<>();

  /** Begins without arguments. */
  public CudaArguments() {}

  /**
   * Adds a pointer to the first element of a tensor.
   *
   * @param tensor contiguous; it may be closed once the call is queued, since libtorch gives its
   *     memory to later calls of the same stream only
   */
  public CudaArguments add(Tensor tensor) {
    if (!tensor.isContiguous()) {
      throw new IllegalArgumentException(
          "argument "
              + bytes.size()
              + ": expected a contiguous tensor, found "
              + tensor
              + ", whose elements don't lie one after another; see contiguous()");
    }
    tensors.add(tensor);
    return add(tensor.address());
  }

  /** Adds a null pointer. */
  public CudaArguments addNull() {
    return add(0L);
  }

  /** Adds a {@code long long}. */
  public CudaArguments add(long value) {
    return add(buffer(Long.BYTES).putLong(value));
  }

  /** Adds an {@code int} or an {@code unsigned}. */
  public CudaArguments add(int value) {
    return add(buffer(Integer.BYTES).putInt(value));
  }

  /** Adds a {@code float}. */
  public CudaArguments add(float value) {
    return add(buffer(Float.BYTES).putFloat(value));
  }

  /** Adds a struct that consists of floats, passed by value. */
  public CudaArguments add(float[] values) {
    ByteBuffer buffer = buffer(values.length * Float.BYTES);
    buffer.asFloatBuffer().put(values);
    return add(buffer);
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
  }

  private CudaArguments add(ByteBuffer buffer) {
    bytes.add(buffer.array());
    return this;
  }

  /** The bytes of each argument as they lie in memory. */
  public List<byte[]> bytes() {
    return List.copyOf(bytes);
  }

  void requireOn(Device device) {
    for (Tensor tensor : tensors) {
      if (!tensor.device().equals(device)) {
        throw new IllegalArgumentException(
            "arguments: expected tensors on " + device + ", found " + tensor);
      }
    }
  }
}
