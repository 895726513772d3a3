package io.github.lora4j.internal.torch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What Linux says of the processor.
 *
 * @param vendor such as {@code AuthenticAMD}
 * @param family as the vendor counts
 * @param flags the instruction sets
 */
record CpuModel(String vendor, int family, Set<String> flags) {

  private static final Path CPUINFO = Path.of("/proc/cpuinfo");
  private static final int ZEN_5 = 26;

  /** The first processor; empty where Linux doesn't tell. */
  static Optional<CpuModel> ofThisMachine() {
    try {
      return Files.isReadable(CPUINFO) ? parse(Files.readAllLines(CPUINFO)) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // only a hint for speed is lost
    }
  }

  /** The instruction sets of the first processor; none where Linux doesn't tell. */
  static Set<String> flagsOfThisMachine() {
    return ofThisMachine().map(CpuModel::flags).orElse(Set.of());
  }

  static Optional<CpuModel> parse(List<String> lines) {
    Map<String, String> first = new HashMap<>();
    for (String line : lines) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        first.putIfAbsent(line.substring(0, colon).strip(), line.substring(colon + 1).strip());
      }
    }
    String vendor = first.get("vendor_id");
    String family = first.get("cpu family");
    String flags = first.get("flags");
    if (vendor == null || flags == null || family == null || !family.matches("\\d{1,4}")) {
      return Optional.empty();
    }
    return Optional.of(
        new CpuModel(
            vendor, Integer.parseInt(family), new HashSet<>(Arrays.asList(flags.split(" ")))));
  }

  /**
   * The kernels that OpenBLAS should take where it doesn't find them itself: version 0.3.31 doesn't
   * know AMD's Zen 5 and takes those of Zen 1, at half the speed in float32.
   */
  Optional<String> openBlasCore() {
    boolean unknown = vendor.equals("AuthenticAMD") && family >= ZEN_5;
    boolean avx512 =
        flags.containsAll(List.of("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"));
    return unknown && avx512 ? Optional.of("SKYLAKEX") : Optional.empty();
  }
}
