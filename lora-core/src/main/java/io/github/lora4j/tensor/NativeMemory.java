package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.NativeRuntime;
import org.bytedeco.javacpp.Pointer;

/** What the natives hold at the moment, for tests and for log lines. */
public final class NativeMemory {

  private NativeMemory() {}

  /** Native objects (tensor handles among them) that Java code holds. */
  public static long liveHandles() {
    NativeRuntime.ensureLoaded();
    return Pointer.totalCount();
  }

  /** Resident memory of this process in bytes, without file-backed pages. */
  public static long residentBytes() {
    NativeRuntime.ensureLoaded();
    return Pointer.physicalBytes();
  }
}
