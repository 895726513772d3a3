package io.github.lora4j.internal.torch;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import com.sun.jna.Structure;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes glibc keep freed memory for the next tensors.
 *
 * <p>By default it hands large blocks back to the system as they are freed, and each training step
 * pays for hundreds of thousands of page faults to get them again: up to a tenth of its time.
 */
public final class FreedMemory {

  /** Set to {@code false}, this property leaves glibc as it is. */
  public static final String PROPERTY = "io.github.lora4j.keepFreedMemory";

  private static final Logger LOG = LoggerFactory.getLogger(FreedMemory.class);

  // From malloc.h.
  private static final int M_TRIM_THRESHOLD = -1;
  private static final int M_TOP_PAD = -2;
  private static final int M_MMAP_MAX = -4;

  private static final Optional<Malloc> GLIBC = find();
  private static final Optional<Counting> ALLOCATED = findCounting();

  private FreedMemory() {}

  /** Functions of glibc. */
  interface Malloc extends Library {

    /** Sets a parameter; returns 1 on success. */
    int mallopt(int parameter, int value);

    /** Gives free pages back to the system; returns 1 if there were any. */
    int malloc_trim(long pad);
  }

  /** What glibc tells of itself since 2.33. */
  interface Counting extends Library {

    /** Of all arenas together. */
    MallInfo mallinfo2();
  }

  /** {@code struct mallinfo2} of malloc.h; each field has the width of a {@code size_t}. */
  @Structure.FieldOrder("fields")
  public static final class MallInfo extends Structure implements Structure.ByValue {

    private static final int HBLKHD = 4; // in blocks of their own
    private static final int UORDBLKS = 7; // in arenas

    /** All ten. */
    public long[] fields = new long[10];

    long inUse() {
      return fields[HBLKHD] + fields[UORDBLKS];
    }
  }

  private static Optional<Counting> findCounting() {
    if (!Platform.isLinux() || !Platform.is64Bit()) {
      return Optional.empty();
    }
    try {
      Counting counting = Native.load("c", Counting.class);
      counting.mallinfo2();
      return Optional.of(counting);
    } catch (LinkageError | RuntimeException e) {
      LOG.debug("This C library doesn't tell how much is allocated", e);
      return Optional.empty();
    }
  }

  private static Optional<Malloc> find() {
    if (!Platform.isLinux() || !Boolean.parseBoolean(System.getProperty(PROPERTY, "true"))) {
      return Optional.empty();
    }
    try {
      Malloc malloc = Native.load("c", Malloc.class);
      malloc.malloc_trim(0); // another C library than glibc doesn't have it
      return Optional.of(malloc);
    } catch (LinkageError | RuntimeException e) {
      LOG.debug("Freed memory goes back to the system at once: this C library isn't glibc", e);
      return Optional.empty();
    }
  }

  static void keep() {
    GLIBC.ifPresent(
        malloc -> {
          malloc.mallopt(M_MMAP_MAX, 0); // no blocks of their own for large tensors
          malloc.mallopt(M_TRIM_THRESHOLD, Integer.MAX_VALUE);
          // The arenas of threads other than the first consist of pieces of 64 MB. A piece that is
          // free goes back unless the one before it lacks this much room, which it always does.
          malloc.mallopt(M_TOP_PAD, 128 << 20);
        });
  }

  /** Bytes in blocks that were handed out and not freed, where the C library tells. */
  public static OptionalLong allocatedBytes() {
    return ALLOCATED.isPresent()
        ? OptionalLong.of(ALLOCATED.get().mallinfo2().inUse())
        : OptionalLong.empty();
  }

  /** Gives what is free now back to the system. */
  public static void release() {
    LargeBlocks.release();
    GLIBC.ifPresent(malloc -> malloc.malloc_trim(0));
  }
}
