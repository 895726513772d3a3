package io.github.lora4j.internal.torch;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes what was read of a mapped file out of this process' memory.
 *
 * <p>The system would do so by itself when memory runs short; until then the pages count, and a
 * limit on the process' memory may strike first.
 */
public final class MappedPages {

  private static final Logger LOG = LoggerFactory.getLogger(MappedPages.class);

  /** The same on Linux and macOS: private pages that nobody wrote come from the file again. */
  private static final int MADV_DONTNEED = 4;

  private static final Optional<Memory> SYSTEM = find();

  private MappedPages() {}

  /** Functions of the C library. */
  interface Memory extends Library {

    /** Gives advice on pages; returns 0 on success. */
    int madvise(Pointer address, NativeLong length, int advice);

    /** The size of a page in bytes. */
    int getpagesize();
  }

  private static Optional<Memory> find() {
    if (!Platform.isLinux() && !Platform.isMac()) {
      return Optional.empty();
    }
    try {
      return Optional.of(Native.load("c", Memory.class));
    } catch (LinkageError | RuntimeException e) {
      LOG.debug("Pages of mapped files stay in memory until the system wants it", e);
      return Optional.empty();
    }
  }

  /**
   * Drops the pages that lie within a stretch of a private mapping that was only read.
   *
   * @param address where it begins
   * @param bytes its length
   */
  public static void drop(long address, long bytes) {
    SYSTEM.ifPresent(
        memory -> {
          long page = memory.getpagesize();
          long from = (address + page - 1) / page * page;
          long to = (address + bytes) / page * page;
          if (from < to
              && memory.madvise(new Pointer(from), new NativeLong(to - from), MADV_DONTNEED) != 0) {
            LOG.debug("The system kept {} bytes of a mapped file", to - from);
          }
        });
  }
}
