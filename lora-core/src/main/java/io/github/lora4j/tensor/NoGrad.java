package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.NativeRuntime;
import org.bytedeco.pytorch.GradMode;

/** Switches recording for gradients off (or on again) on this thread until it is closed. */
public final class NoGrad implements AutoCloseable {

  private final boolean before;
  private boolean closed;

  private NoGrad(boolean enabled) {
    NativeRuntime.ensureLoaded();
    before = GradMode.is_enabled();
    GradMode.set_enabled(enabled);
  }

  /** Nothing is recorded inside: {@code torch.no_grad()}. */
  public static NoGrad open() {
    return new NoGrad(false);
  }

  /** Recording is on inside, whatever stood around it: {@code torch.enable_grad()}. */
  public static NoGrad enableGrad() {
    return new NoGrad(true);
  }

  /** Whether operations on this thread are recorded now. */
  public static boolean gradEnabled() {
    NativeRuntime.ensureLoaded();
    return GradMode.is_enabled();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      GradMode.set_enabled(before);
    }
  }
}
