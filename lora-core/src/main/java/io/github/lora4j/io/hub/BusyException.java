package io.github.lora4j.io.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** An answer that asks us to come back later. */
final class BusyException extends IOException {

  private static final long serialVersionUID = 1L;

  private final transient Optional<Duration> retryAfter;

  BusyException(String message, Optional<Duration> retryAfter) {
    super(message);
    this.retryAfter = retryAfter;
  }

  /** How long the server wants us to wait. */
  Optional<Duration> retryAfter() {
    return retryAfter;
  }
}
