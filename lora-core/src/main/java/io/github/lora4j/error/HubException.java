package io.github.lora4j.error;

import org.jspecify.annotations.Nullable;

/**
 * A repository of the Hugging Face hub that cannot be had; the message names repository, revision
 * and file, and says what to do.
 */
public final class HubException extends LoraException {

  private static final long serialVersionUID = 1L;

  /** Creates an error that says what was asked for and what the hub answered. */
  public HubException(String message) {
    super(message);
  }

  /** Creates an error with the failure that led to it. */
  public HubException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
