package io.github.lora4j.quant;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Amounts of memory as people write them. */
final class ByteSize {

  private static final Pattern FORM =
      Pattern.compile("\\s*(\\d+(?:\\.\\d+)?)\\s*([a-z]*)\\s*", Pattern.CASE_INSENSITIVE);

  private static final Map<String, Long> UNITS =
      Map.of(
          "b", 1L,
          "kb", 1_000L,
          "mb", 1_000_000L,
          "gb", 1_000_000_000L,
          "tb", 1_000_000_000_000L,
          "kib", 1L << 10,
          "mib", 1L << 20,
          "gib", 1L << 30,
          "tib", 1L << 40);

  private ByteSize() {}

  /**
   * Reads an amount such as {@code 8GB} (powers of 1,000) or {@code 7.5 GiB} (powers of 1,024).
   *
   * @throws IllegalArgumentException for anything else
   */
  static long parse(String text) {
    Matcher matcher = FORM.matcher(text);
    Long unit = matcher.matches() ? UNITS.get(matcher.group(2).toLowerCase(Locale.ROOT)) : null;
    if (unit == null) {
      throw new IllegalArgumentException(
          "memory: expected a number with B, KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as \"8GB\""
              + " or \"7.5 GiB\", found \""
              + text
              + "\"");
    }
    return (long) (Double.parseDouble(matcher.group(1)) * unit);
  }

  /** In megabytes of 10^6 bytes, such as {@code 1,045 MB}. */
  static String format(long bytes) {
    return String.format(Locale.ROOT, "%,d MB", Math.round(bytes / 1e6));
  }
}
