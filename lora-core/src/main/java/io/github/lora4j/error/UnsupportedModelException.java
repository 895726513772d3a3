package io.github.lora4j.error;

import org.jspecify.annotations.Nullable;

/** A model or a setting of it that LoRA4J does not know; the message lists what is known. */
public final class UnsupportedModelException extends LoraException {

  private static final long serialVersionUID = 1L;

  /** Creates an error that says what was expected and what was found. */
  public UnsupportedModelException(String message) {
    super(message);
  }

  /** Creates an error with the failure that led to it. */
  public UnsupportedModelException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
