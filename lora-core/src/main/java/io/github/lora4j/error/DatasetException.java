package io.github.lora4j.error;

import org.jspecify.annotations.Nullable;

/** Data that cannot be used; the message names file, line and column. */
public final class DatasetException extends LoraException {

  private static final long serialVersionUID = 1L;

  /** Creates an error that says what was expected and what was found. */
  public DatasetException(String message) {
    super(message);
  }

  /** Creates an error with the failure that led to it. */
  public DatasetException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
