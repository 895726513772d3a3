package io.github.lora4j.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The most memory that this process has held so far.
 *
 * @param bytes of host memory
 * @param complete whether native memory is in it: it is on Linux, where the kernel counts resident
 *     pages (VmHWM); elsewhere only the JVM's own pools are known, without tensors
 */
record PeakMemory(long bytes, boolean complete) {

  private static final Path STATUS = Path.of("/proc/self/status");

  /** Reads the peak now. */
  static PeakMemory read() {
    if (Files.isReadable(STATUS)) {
      try {
        Optional<PeakMemory> peak = fromStatus(Files.readString(STATUS));
        if (peak.isPresent()) {
          return peak.get();
        }
      } catch (IOException e) {
        throw new UncheckedIOException("cannot read " + STATUS, e);
      }
    }
    return ofJvmPools();
  }

  /** Reads the line {@code VmHWM: 1234 kB} of a Linux process status. */
  static Optional<PeakMemory> fromStatus(String status) {
    return status
        .lines()
        .filter(line -> line.startsWith("VmHWM:"))
        .map(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .map(kibibytes -> new PeakMemory(kibibytes * 1024, true))
        .findFirst();
  }

  static PeakMemory ofJvmPools() {
    long sum = 0;
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      MemoryUsage peak = pool.getPeakUsage();
      sum += peak == null ? 0 : peak.getUsed();
    }
    return new PeakMemory(sum, false);
  }

  /** In 10^6 bytes. */
  double megabytes() {
    return bytes / 1e6;
  }
}
