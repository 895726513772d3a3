package io.github.lora4j.error;

import org.jspecify.annotations.Nullable;

/** An adapter that does not fit the base model; the message lists all keys at once. */
public final class AdapterMismatchException extends LoraException {

  private static final long serialVersionUID = 1L;

  /** Creates an error that says what was expected and what was found. */
  public AdapterMismatchException(String message) {
    super(message);
  }

  /** Creates an error with the failure that led to it. */
  public AdapterMismatchException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
