package io.github.lora4j.error;

import org.jspecify.annotations.Nullable;

/** A device or its natives that are not there; the message names the Maven dependency to add. */
public final class DeviceException extends LoraException {

  private static final long serialVersionUID = 1L;

  /** Creates an error that says what was expected and what was found. */
  public DeviceException(String message) {
    super(message);
  }

  /** Creates an error with the failure that led to it. */
  public DeviceException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
