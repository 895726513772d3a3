package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import java.time.Clock;

/** One rendering: what it has used and where it is. */
final class Run {

  final Budget budget = new Budget();
  final Clock clock;

  /** The line that is being carried out, for messages. */
  int line;

  /** Macros that are being carried out within each other. */
  int depth;

  /** What carries out the template, or the macro that is being called. */
  Interpreter interpreter;

  Run(Clock clock, Engine engine) {
    this.clock = clock;
    this.interpreter = engine.interpreter(this, engine.getGlobalContext());
  }

  static Run current() {
    return ((Interpreter) JinjavaInterpreter.getCurrent()).run;
  }

  /** Returns what a name stands for. */
  Object variable(String name) {
    Object value = interpreter.getContext().get(name);
    if (value != null) {
      return value;
    }
    return Functions.NAMES.contains(name)
        ? new Functions.Builtin(name)
        : new Undefined("\"" + name + "\" is undefined");
  }
}
