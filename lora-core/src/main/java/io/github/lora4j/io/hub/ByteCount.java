package io.github.lora4j.io.hub;

import java.util.Locale;

/** Sizes as people read them. */
final class ByteCount {

  private ByteCount() {}

  static String of(long bytes) {
    if (bytes >= 1_000_000_000L) {
      return String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }
    return bytes >= 1_000_000L
        ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
        : bytes + " bytes";
  }
}
