package io.github.lora4j.text;

import io.github.lora4j.error.LoraException;

/** A chat template that is broken, or that does not take a conversation. */
public final class ChatTemplateException extends LoraException {

  private static final long serialVersionUID = 1L;

  private final String reason;
  private final boolean refused;

  ChatTemplateException(String message, String reason, boolean refused, Throwable cause) {
    super(message, cause);
    this.reason = reason;
    this.refused = refused;
  }

  /** Returns the problem without file and line; what the template says itself if it refused. */
  public String reason() {
    return reason;
  }

  /**
   * Returns whether the template itself refused the conversation, such as for roles that do not
   * alternate: then change the messages. Otherwise it failed on them.
   */
  public boolean refused() {
    return refused;
  }
}
