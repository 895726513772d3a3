package io.github.lora4j.tensor;

import org.bytedeco.pytorch.global.torch;

/**
 * Lets libtorch use one thread for what this thread calls until it is closed: small work is done
 * before another thread has woken up.
 *
 * <p>A thread that calls libtorch for the very first time in between keeps to one thread too: that
 * makes it slower, never wrong.
 */
final class OneThread implements AutoCloseable {

  private final int before = torch.get_num_threads();

  OneThread() {
    torch.set_num_threads(1);
  }

  /** The same for a helper's whole life; another thread must settle libtorch's default again. */
  static void forThisThread() {
    torch.set_num_threads(1);
  }

  @Override
  public void close() {
    torch.set_num_threads(before);
  }
}
