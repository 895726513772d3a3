package io.github.lora4j.internal.jinja;

import io.github.lora4j.internal.jinja.Statement.Flow;
import java.util.List;

/** Statements one behind the other. */
final class Block {

  private Block() {}

  static Flow execute(List<Statement> statements, Frame frame) {
    for (Statement statement : statements) {
      frame.run.budget.step();
      Flow flow = statement.execute(frame);
      if (flow != Flow.NEXT) {
        return flow;
      }
    }
    return Flow.NEXT;
  }

  /** Returns what the statements write. */
  static String capture(List<Statement> statements, Frame frame) {
    Frame inside = frame.capture();
    execute(statements, inside);
    return inside.output();
  }
}
