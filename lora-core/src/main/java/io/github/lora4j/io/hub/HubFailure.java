package io.github.lora4j.io.hub;

import org.jspecify.annotations.Nullable;

/** A request that failed for good, with the message for the user. */
final class HubFailure extends Exception {

  private static final long serialVersionUID = 1L;

  private final boolean cacheMayAnswer;

  private HubFailure(String message, boolean cacheMayAnswer, @Nullable Throwable cause) {
    super(message, cause);
    this.cacheMayAnswer = cacheMayAnswer;
  }

  /** The hub could not be reached, or did not let us in: what was downloaded before may do. */
  static HubFailure noAnswer(String message, @Nullable Throwable cause) {
    return new HubFailure(message, true, cause);
  }

  /** The hub answered, and what is cached would not be what was asked for. */
  static HubFailure definite(String message) {
    return new HubFailure(message, false, null);
  }

  boolean cacheMayAnswer() {
    return cacheMayAnswer;
  }
}
