package io.github.lora4j.error;

import org.jspecify.annotations.Nullable;

/** A loss that became NaN or infinite; the message names the step and the losses before it. */
public final class TrainingDivergedException extends LoraException {

  private static final long serialVersionUID = 1L;

  /** Creates an error that says what was expected and what was found. */
  public TrainingDivergedException(String message) {
    super(message);
  }

  /** Creates an error with the failure that led to it. */
  public TrainingDivergedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
