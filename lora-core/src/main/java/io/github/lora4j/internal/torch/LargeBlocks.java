package io.github.lora4j.internal.torch;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import java.lang.management.ManagementFactory;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Memory for large tensors on Linux, beside that of the C library.
 *
 * <p>libtorch asks glibc for aligned blocks, and glibc looks for a larger one than it then uses: a
 * block that was freed rarely serves the next tensor of its size, and among tensors that stay, gaps
 * pile up that no other fits into. Here a freed block serves the next tensor of its size exactly.
 *
 * <p>A range of addresses as large as the machine's memory is reserved once; pages of it become
 * memory as they are needed. Safe for use by several threads.
 */
public final class LargeBlocks {

  /** Set to {@code false}, this property leaves all tensors to libtorch. */
  public static final String PROPERTY = "io.github.lora4j.largeBlocks";

  /** Blocks from this size on are served; smaller ones aren't worth a call. */
  public static final long SMALLEST = 256 << 10;

  private static final Logger LOG = LoggerFactory.getLogger(LargeBlocks.class);

  // From mman.h; the same on all machines that libtorch is published for on Linux.
  private static final int PROT_NONE = 0;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
  private static final int MADV_DONTNEED = 4;
  private static final int MADV_HUGEPAGE = 14;

  /** How much memory becomes usable at a time. */
  private static final long STEP = 64L << 20;

  private static final long HUGE_PAGE = 2L << 20;
  private static final long PAGE = 4096;

  /** As libtorch does with what it asks glibc for; {@link ThreadPools} has the default. */
  private static final boolean HUGE_PAGES =
      Optional.ofNullable(System.getenv("THP_MEM_ALLOC_ENABLE")).map("1"::equals).orElse(true);

  private static final Optional<LargeBlocks> SYSTEM = find();

  private final Memory memory;
  private final long start;
  private final long capacity;
  private final BlockList blocks;
  private long usable;

  /** Functions of the C library. */
  interface Memory extends Library {

    /** Makes a mapping; returns -1 if that can't be. */
    Pointer mmap(
        Pointer at, NativeLong length, int protection, int flags, int file, NativeLong from);

    /** Says what pages may be used for; returns 0 on success. */
    int mprotect(Pointer address, NativeLong length, int protection);

    /** Gives advice on pages; returns 0 on success. */
    int madvise(Pointer address, NativeLong length, int advice);
  }

  private LargeBlocks(Memory memory, long start, long capacity) {
    this.memory = memory;
    this.start = start;
    this.capacity = capacity;
    this.blocks = new BlockList(capacity);
  }

  private static Optional<LargeBlocks> find() {
    if (!Platform.isLinux()
        || !Platform.is64Bit()
        || !Boolean.parseBoolean(System.getProperty(PROPERTY, "true"))) {
      return Optional.empty();
    }
    try {
      Memory memory = Native.load("c", Memory.class);
      long capacity = physicalMemory() / STEP * STEP;
      Pointer reserved =
          memory.mmap(
              Pointer.NULL,
              new NativeLong(capacity + STEP),
              PROT_NONE,
              MAP_PRIVATE_ANONYMOUS_NORESERVE,
              -1,
              new NativeLong(0));
      long address = Pointer.nativeValue(reserved);
      if (address == -1) {
        LOG.debug("Large tensors are libtorch's: {} addresses can't be reserved", capacity);
        return Optional.empty();
      }
      long start = (address + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
      return Optional.of(new LargeBlocks(memory, start, capacity));
    } catch (LinkageError | RuntimeException e) {
      LOG.debug("Large tensors are libtorch's: the C library can't be asked for memory", e);
      return Optional.empty();
    }
  }

  private static long physicalMemory() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : 0;
  }

  /**
   * Takes a block.
   *
   * @return its address, for {@link #free}; empty where libtorch's own memory is to be used
   */
  public static OptionalLong allocate(long bytes) {
    return SYSTEM.isPresent() && bytes >= SMALLEST
        ? SYSTEM.get().take(bytes)
        : OptionalLong.empty();
  }

  /** Gives a block back, whose memory serves the next. */
  public static void free(long address) {
    SYSTEM.orElseThrow().giveBack(address);
  }

  /** Bytes of all blocks in use. */
  public static long usedBytes() {
    return SYSTEM.map(LargeBlocks::used).orElse(0L);
  }

  /** Gives what is free now back to the system. */
  static void release() {
    SYSTEM.ifPresent(LargeBlocks::dropFree);
  }

  private synchronized OptionalLong take(long bytes) {
    OptionalLong offset = blocks.take(bytes);
    if (offset.isEmpty()) {
      return offset;
    }
    if (offset.getAsLong() + bytes > usable && !grow()) {
      blocks.giveBack(offset.getAsLong());
      return OptionalLong.empty();
    }
    return OptionalLong.of(start + offset.getAsLong());
  }

  private boolean grow() {
    long more = Math.min(capacity, (blocks.end() + STEP - 1) / STEP * STEP) - usable;
    Pointer from = new Pointer(start + usable);
    if (memory.mprotect(from, new NativeLong(more), PROT_READ_WRITE) != 0) {
      return false;
    }
    if (HUGE_PAGES) {
      memory.madvise(from, new NativeLong(more), MADV_HUGEPAGE);
    }
    usable += more;
    return true;
  }

  private synchronized void giveBack(long address) {
    blocks.giveBack(address - start);
  }

  private synchronized long used() {
    return blocks.usedBytes();
  }

  private synchronized void dropFree() {
    blocks.forEachFree(
        (offset, size) -> {
          long from = (start + offset + PAGE - 1) / PAGE * PAGE;
          long to = Math.min(start + offset + size, start + usable) / PAGE * PAGE;
          if (from < to) {
            memory.madvise(new Pointer(from), new NativeLong(to - from), MADV_DONTNEED);
          }
        });
  }
}
