package io.github.lora4j.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * What the cores have done so far, by Linux's counters.
 *
 * @param all every tick of every core, idle ones too
 * @param busy ticks in which a core worked, or the hypervisor took it away
 * @param own ticks of this process and of the children that it waited for
 */
record CpuTime(long all, long busy, long own) {

  /** Others may take this much of the machine, in percent, without a measurement being doubtful. */
  static final double TOLERANCE = 5;

  private static final int LOOKS = 60;
  private static final long MILLIS_BETWEEN_LOOKS = 500;
  private static final Path ALL = Path.of("/proc/stat");
  private static final Path OWN = Path.of("/proc/self/stat");

  /** Reads the counters; empty where there are none. */
  static Optional<CpuTime> read() {
    if (!Files.isReadable(ALL) || !Files.isReadable(OWN)) {
      return Optional.empty();
    }
    try {
      // cpu user nice system idle iowait irq softirq steal ...
      long[] cpu = numbers(Files.readAllLines(ALL).get(0).replaceFirst("cpu +", ""), 0, 8);
      long all = Arrays.stream(cpu).sum();
      // A process may have any name: the numbers begin behind its closing parenthesis.
      long[] own = numbers(Files.readString(OWN).replaceFirst("(?s).*\\) ", ""), 11, 15);
      return Optional.of(new CpuTime(all, all - cpu[3] - cpu[4], Arrays.stream(own).sum()));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Waits for other processes to leave the cores alone, but only half a minute. */
  static void awaitQuiet() throws InterruptedException {
    Optional<CpuTime> before = read();
    for (int look = 0; look < LOOKS && before.isPresent(); look++) {
      Thread.sleep(MILLIS_BETWEEN_LOOKS);
      Optional<CpuTime> now = read();
      if (now.isEmpty() || now.get().othersSince(before.get()) <= TOLERANCE) {
        return;
      }
      before = now;
    }
  }

  /** How much of the machine other processes have taken since then, in percent. */
  double othersSince(CpuTime before) {
    long others = busy - before.busy - (own - before.own);
    return 100.0 * Math.max(0, others) / Math.max(1, all - before.all);
  }

  private static long[] numbers(String words, int from, int to) {
    return Arrays.stream(words.trim().split("\\s+"), from, to).mapToLong(Long::parseLong).toArray();
  }
}
