package io.github.lora4j.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** Larger files beside the checkout, which users of the sources don't have. */
public final class DevelopmentData {

  private DevelopmentData() {}

  /** A file or folder of the development data; skips the test, saying why, where it isn't there. */
  public static Path require(String name) {
    Path path = Path.of(System.getProperty("lora4j.shared", "nowhere")).resolve(name);
    assumeTrue(
        Files.exists(path),
        path
            + " is part of the development data and not here; -Dlora4j.shared=DIR says where it is");
    return path;
  }
}
