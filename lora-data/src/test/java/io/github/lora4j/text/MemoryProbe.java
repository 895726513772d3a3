package io.github.lora4j.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Prints by how many KiB this JVM's resident size grows: see {@link TokenizerMemoryIT}. */
final class MemoryProbe {

  private MemoryProbe() {}

  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[1]);
    work(args[0], folder, 1);
    long before = residentKib();
    work(args[0], folder, 4);
    System.out.println("GREW " + (residentKib() - before));
  }

  private static void work(String mode, Path folder, int times) {
    switch (mode) {
      case "encode" -> {
        try (var tokenizer = PretrainedTokenizer.load(folder)) {
          for (int i = 0; i < times * 20_000; i++) {
            int[] ids = tokenizer.encode("they made it only from some water", true);
            tokenizer.decode(ids, true);
            tokenizer.encodeBatch(List.of("one", "two"), true);
          }
        }
      }
      case "load" -> {
        for (int i = 0; i < times * 500; i++) {
          try (var tokenizer = PretrainedTokenizer.load(folder)) {
            tokenizer.encode("water", true);
          }
        }
      }
      default -> throw new IllegalArgumentException(mode);
    }
  }

  private static long residentKib() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }
}
