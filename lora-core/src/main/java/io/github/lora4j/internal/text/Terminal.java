package io.github.lora4j.internal.text;

import java.io.Console;
import java.util.Optional;

/** Where a person sees what we print. */
public final class Terminal {

  private Terminal() {}

  /**
   * The terminal, if a person sees what we print there.
   *
   * <p>From JDK 22 to 24 {@code System.console()} is there for a pipe too, so plain lines are the
   * safe choice on them.
   */
  public static Optional<Console> console() {
    int jdk = Runtime.version().feature();
    boolean unsure = (jdk >= 22 && jdk <= 24) || "dumb".equals(System.getenv("TERM"));
    return unsure ? Optional.empty() : Optional.ofNullable(System.console());
  }
}
