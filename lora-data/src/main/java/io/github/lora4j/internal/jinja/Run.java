package io.github.lora4j.internal.jinja;

import java.time.Clock;

/** One rendering: what it has used and where it is. */
final class Run {

  final Budget budget = new Budget();
  final Clock clock;

  /** The line that is being carried out, for messages. */
  int line;

  /** Macros that are being carried out within each other. */
  int depth;

  Run(Clock clock) {
    this.clock = clock;
  }
}
