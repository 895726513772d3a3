package io.github.lora4j.internal.jinja;

import org.jspecify.annotations.Nullable;

/** A template that cannot be read or rendered. */
public final class JinjaException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final int line;
  private final boolean raised;

  private JinjaException(String message, int line, boolean raised) {
    super(message);
    this.line = line;
    this.raised = raised;
  }

  /** Returns an error whose line the statement that runs will add. */
  static JinjaException of(String message) {
    return new JinjaException(message, 0, false);
  }

  /** Returns the error of ours that another one carries, else one with its message. */
  static JinjaException from(@Nullable Throwable error, String message) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof JinjaException ours) {
        return ours;
      }
      if (cause instanceof StackOverflowError) {
        return of("the template nests too deep");
      }
    }
    String reason = error == null || error.getMessage() == null ? message : error.getMessage();
    JinjaException wrapped = of(String.valueOf(reason));
    wrapped.initCause(error);
    return wrapped;
  }

  static JinjaException at(int line, String message) {
    return new JinjaException(message, line, false);
  }

  /** Returns what the template itself raises by {@code raise_exception}. */
  static JinjaException raised(String message) {
    return new JinjaException(message, 0, true);
  }

  JinjaException withLine(int number) {
    if (line != 0) {
      return this;
    }
    JinjaException located = new JinjaException(getMessage(), number, raised);
    located.setStackTrace(getStackTrace());
    return located;
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }

  /** Returns the line of the template, from 1. */
  public int line() {
    return line;
  }

  /** Returns whether the template itself raised this, to refuse a conversation. */
  public boolean raised() {
    return raised;
  }
}
