package io.github.lora4j.tensor;

/**
 * Makes layers on this thread leave all gradients to libtorch until it is closed: no {@link
 * CustomFunction} is used.
 */
public final class Plain implements AutoCloseable {

  // A property of the thread, as libtorch's own gradient mode is.
  private static final ThreadLocal<Integer> DEPTH = ThreadLocal.withInitial(() -> 0);

  private boolean closed;

  private Plain() {}

  /** Switches it on. */
  public static Plain open() {
    DEPTH.set(DEPTH.get() + 1);
    return new Plain();
  }

  static boolean isOn() {
    return DEPTH.get() > 0;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      int left = DEPTH.get() - 1;
      if (left == 0) {
        DEPTH.remove();
      } else {
        DEPTH.set(left);
      }
    }
  }
}
