package io.github.lora4j.peft;

import java.util.Collection;

/**
 * Whether something holds for all layers, for none, or, as no call of this library leaves it, for
 * some.
 */
public enum Consistency {
  /** For all. */
  TRUE,
  /** For none. */
  FALSE,
  /** For some; PEFT's {@code "irregular"}. */
  IRREGULAR;

  static Consistency of(Collection<Boolean> values) {
    if (!values.contains(false)) {
      return TRUE;
    }
    return values.contains(true) ? IRREGULAR : FALSE;
  }
}
