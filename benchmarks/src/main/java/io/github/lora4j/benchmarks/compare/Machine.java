package io.github.lora4j.benchmarks.compare;

import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Tells what a run took place on, and with which versions. */
final class Machine {

  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

  private Machine() {}

  /** Date, machine and versions by name, in the order in which they are shown. */
  static Map<String, String> describe(Optional<Python> python) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("date", LocalDate.now().toString());
    facts.put(
        "machine",
        "%s, %d cores, %s memory"
            .formatted(cpu(), Runtime.getRuntime().availableProcessors(), memory()));
    facts.put("system", property("os.name") + " " + property("os.version"));
    facts.put(
        "LoRA4J",
        "JDK %s, libtorch presets %s, OpenBLAS presets %s"
            .formatted(property("java.version"), presets("pytorch"), presets("openblas")));
    python.ifPresent(
        found ->
            facts.put(
                "PEFT",
                found.versions().entrySet().stream()
                    .map(entry -> entry.getKey() + " " + entry.getValue())
                    .collect(Collectors.joining(", "))));
    return facts;
  }

  private static String cpu() {
    if (Files.isReadable(CPU_INFO)) {
      try (Stream<String> lines = Files.lines(CPU_INFO)) {
        Optional<String> model = lines.filter(line -> line.startsWith("model name")).findFirst();
        if (model.isPresent()) {
          return model.get().replaceFirst(".*:\\s*", "");
        }
      } catch (IOException e) {
        // The architecture is better than nothing.
      }
    }
    return property("os.arch");
  }

  private static String memory() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? String.format(Locale.ROOT, "%.0f GiB", system.getTotalMemorySize() / (double) (1 << 30))
        : "unknown";
  }

  /** The version of a library's presets, from the jar itself. */
  private static String presets(String artifact) {
    String name = "META-INF/maven/org.bytedeco/" + artifact + "/pom.properties";
    try (InputStream stream = Machine.class.getClassLoader().getResourceAsStream(name)) {
      if (stream == null) {
        return "unknown";
      }
      Properties properties = new Properties();
      properties.load(stream);
      return properties.getProperty("version", "unknown");
    } catch (IOException e) {
      return "unknown";
    }
  }

  private static String property(String name) {
    return System.getProperty(name, "unknown");
  }
}
