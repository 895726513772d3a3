package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.NativeRuntime;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * An explicit source of random numbers (libtorch's Mersenne twister), so that a run can be
 * repeated.
 *
 * <p>It lives on the CPU and its numbers are copied to other devices: a seed means the same
 * everywhere.
 */
public final class Generator implements AutoCloseable {

  private final org.bytedeco.pytorch.Generator handle;
  private boolean closed;

  private Generator(org.bytedeco.pytorch.Generator handle) {
    this.handle = handle;
  }

  /** Makes a generator that starts where {@code torch.Generator().manual_seed(seed)} does. */
  public static Generator of(long seed) {
    NativeRuntime.ensureLoaded();
    return new Generator(torch.make_generator_cpu(seed));
  }

  /** The state, to be given back to {@link #restore}. */
  public byte[] state() {
    requireOpen();
    try (Tensor state = TensorScope.keep(Tensor.wrap(handle.get_state()))) {
      byte[] bytes = new byte[Math.toIntExact(state.numel())];
      state.copyBytesTo(0, bytes, bytes.length);
      return bytes;
    }
  }

  /** Goes back to a state that {@link #state} gave. */
  public void restore(byte[] state) {
    requireOpen();
    try (Tensor tensor = TensorScope.keep(Tensor.ofBytes(state, state.length))) {
      handle.set_state(tensor.handle());
    }
  }

  GeneratorOptional optional() {
    requireOpen();
    return new GeneratorOptional(handle);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("This Generator is closed.");
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      handle.close();
    }
  }
}
