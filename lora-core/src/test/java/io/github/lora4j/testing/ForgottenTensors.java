package io.github.lora4j.testing;

import io.github.lora4j.internal.torch.LargeBlocks;

/** Tensors that earlier tests of the same JVM left to the garbage collector. */
public final class ForgottenTensors {

  private static final int STILL = 5;
  private static final int PAUSE = 20; // milliseconds

  private ForgottenTensors() {}

  /** Frees them, so that none goes while bytes are counted. */
  public static void free() throws InterruptedException {
    System.gc();
    long used = LargeBlocks.usedBytes();
    for (int same = 0; same < STILL; ) {
      Thread.sleep(PAUSE); // another thread frees what was collected
      long now = LargeBlocks.usedBytes();
      same = now == used ? same + 1 : 0;
      used = now;
    }
  }
}
