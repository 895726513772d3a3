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
    if (!Files.isReadable(STATUS)) {
      return;
    }
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("VmHWM:")) {
          double kibibytes = Long.parseLong(line.replaceAll("\\D", ""));
          measured.put(Metric.PEAK_RSS_MB, kibibytes * 1024 / 1e6);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(STATUS + " could not be read", e);
    }
  }
}
