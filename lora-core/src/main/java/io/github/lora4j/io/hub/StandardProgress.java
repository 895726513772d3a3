package io.github.lora4j.io.hub;

import java.io.Console;
import java.util.Optional;

/** A bar where a person sees it, log lines elsewhere. */
final class StandardProgress {

  private StandardProgress() {}

  static DownloadProgress open() {
    return terminal()
        .<DownloadProgress>map(console -> new ProgressBarOnTerminal(console.writer()))
        .orElseGet(ProgressInLog::new);
  }

  /** As for training: from JDK 22 to 24 a console is there for a pipe too. */
  private static Optional<Console> terminal() {
    int jdk = Runtime.version().feature();
    boolean unsure = (jdk >= 22 && jdk <= 24) || "dumb".equals(System.getenv("TERM"));
    return unsure ? Optional.empty() : Optional.ofNullable(System.console());
  }
}
