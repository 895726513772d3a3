package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.FreedMemory;
import io.github.lora4j.internal.torch.MappedPages;
import io.github.lora4j.internal.torch.NativeRuntime;
import java.util.OptionalLong;
import org.bytedeco.javacpp.Pointer;

/** What the natives hold at the moment. */
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

  /**
   * Bytes that tensors and other native objects hold: without the JVM's heap, without mapped files,
   * and without the gaps between them, which are resident nevertheless. Empty where the C library
   * doesn't tell; glibc does since 2.33.
   */
  public static OptionalLong allocatedBytes() {
    NativeRuntime.ensureLoaded();
    return FreedMemory.allocatedBytes();
  }

  /**
   * Gives memory that no tensor uses back to the system. Freed memory is kept for the next tensors
   * otherwise; closing a model calls this.
   */
  public static void release() {
    NativeRuntime.ensureLoaded();
    FreedMemory.release();
  }

  /**
   * Takes what was read of a mapped file out of this process' memory; a later look at it reads the
   * file again. Does nothing where the system has no call for it.
   *
   * @param mapped a view of {@link Tensor#mapFile} that nobody wrote to, contiguous
   */
  public static void drop(Tensor mapped) {
    if (!mapped.isContiguous()) {
      throw new IllegalArgumentException("mapped: expected a contiguous view, found " + mapped);
    }
    MappedPages.drop(mapped.address(), mapped.numel() * mapped.dtype().byteSize());
  }
}
