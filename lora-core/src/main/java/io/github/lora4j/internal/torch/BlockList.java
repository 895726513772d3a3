package io.github.lora4j.internal.torch;

import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;

/**
 * Which bytes of a stretch are in use: blocks are taken where they fit best, and neighbours that
 * are given back become one again. It holds no memory itself. For one thread at a time.
 */
final class BlockList {

  /** What offsets and sizes are multiples of: a line of the processor's cache. */
  static final long GRAIN = 64;

  private final long capacity;
  private final Map<Long, Long> used = new HashMap<>();
  private final TreeMap<Long, Long> free = new TreeMap<>(); // sizes by offset
  private final TreeSet<Free> bySize =
      new TreeSet<>(Comparator.comparingLong(Free::size).thenComparingLong(Free::offset));
  private long end; // everything behind it is free and was so whenever it was there

  private record Free(long offset, long size) {}

  /** An empty stretch of so many bytes. */
  BlockList(long capacity) {
    this.capacity = capacity;
  }

  /**
   * Takes a block: the smallest one that was given back and is large enough, else new memory.
   *
   * @return its offset; empty if there is no room
   */
  OptionalLong take(long bytes) {
    long size = (bytes + GRAIN - 1) / GRAIN * GRAIN;
    Free best = bySize.ceiling(new Free(0, size));
    long offset;
    if (best != null) {
      remove(best);
      offset = best.offset();
      if (best.size() > size) {
        put(new Free(offset + size, best.size() - size));
      }
    } else {
      // What is free before the end is where the new block begins.
      Map.Entry<Long, Long> last = free.lastEntry();
      boolean open = last != null && last.getKey() + last.getValue() == end;
      offset = open ? last.getKey() : end;
      if (offset + size > capacity) {
        return OptionalLong.empty();
      }
      if (open) {
        remove(new Free(last.getKey(), last.getValue()));
      }
      end = offset + size;
    }
    used.put(offset, size);
    return OptionalLong.of(offset);
  }

  /**
   * Gives a block back.
   *
   * @throws IllegalArgumentException if none begins at this offset
   */
  void giveBack(long offset) {
    Long size = used.remove(offset);
    if (size == null) {
      throw new IllegalArgumentException("offset: expected that of a block, found " + offset);
    }
    long from = offset;
    long to = offset + size;
    Map.Entry<Long, Long> before = free.lowerEntry(offset);
    if (before != null && before.getKey() + before.getValue() == from) {
      from = before.getKey();
      remove(new Free(from, before.getValue()));
    }
    Long behind = free.get(to);
    if (behind != null) {
      remove(new Free(to, behind));
      to += behind;
    }
    put(new Free(from, to - from));
  }

  private void put(Free block) {
    free.put(block.offset(), block.size());
    bySize.add(block);
  }

  private void remove(Free block) {
    free.remove(block.offset());
    bySize.remove(block);
  }

  /** Behind the last byte that was ever in use. */
  long end() {
    return end;
  }

  /** Bytes in use. */
  long usedBytes() {
    return used.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Shows what was given back: offsets and sizes. */
  void forEachFree(BiConsumer<Long, Long> visitor) {
    free.forEach(visitor);
  }
}
