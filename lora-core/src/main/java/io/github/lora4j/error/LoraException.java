package io.github.lora4j.error;

import org.jspecify.annotations.Nullable;

/** The unchecked root of every error that LoRA4J itself raises for something a user can mend. */
public class LoraException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Creates an error that says what went wrong, where, and what to do next. */
  public LoraException(String message) {
    super(message);
  }

  /** Creates an error with the failure that led to it. */
  public LoraException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
