package io.github.lora4j.error;

import org.jspecify.annotations.Nullable;

/**
 * A model file that is damaged, hostile or not what it claims; the message names file and tensor.
 */
public final class CheckpointFormatException extends LoraException {

  private static final long serialVersionUID = 1L;

  /** Creates an error that says what was expected and what was found. */
  public CheckpointFormatException(String message) {
    super(message);
  }

  /** Creates an error with the failure that led to it. */
  public CheckpointFormatException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
