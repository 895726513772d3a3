package io.github.lora4j.benchmarks.compare;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** The most resident memory of this process, where Linux tells it. */
final class PeakRss {

  private static final Path STATUS = Path.of("/proc/self/status");

  /** The kernel takes 5 here to forget the peak. */
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");

  private PeakRss() {}

  /** Counts from now on; where that can't be, the peak stays that of the whole process. */
  static void reset() {
    try {
      if (Files.isWritable(CLEAR)) {
        Files.writeString(CLEAR, "5");
      }
    } catch (IOException e) {
      // Some containers forbid it.
    }
  }

  /** Puts the peak among the measurements, or leaves it out where nobody tells it. */
  static void addTo(Map<Metric, Double> measured) {
    double peak = peak();
    if (!Double.isNaN(peak)) {
      measured.put(Metric.PEAK_RSS_MB, peak);
    }
  }

  /** The peak in 10^6 bytes; not a number where nobody tells it. */
  static double peak() {
    return megabytes("VmHWM:");
  }

  /** What is resident now, in 10^6 bytes; not a number where nobody tells it. */
  static double now() {
    return megabytes("VmRSS:");
  }

  private static double megabytes(String field) {
    if (!Files.isReadable(STATUS)) {
      return Double.NaN;
    }
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith(field)) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024 / 1e6;
        }
      }
      return Double.NaN;
    } catch (IOException e) {
      throw new UncheckedIOException(STATUS + " could not be read", e);
    }
  }
}
