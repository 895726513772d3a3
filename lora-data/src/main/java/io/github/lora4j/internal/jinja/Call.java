package io.github.lora4j.internal.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** A call in an expression. */
record Call(int line, Expression function, ArgumentList arguments) implements Expression {

  @Override
  public Object evaluate(Frame frame) {
    Object callee = function.evaluate(frame);
    return call(frame, callee, arguments.evaluate(frame));
  }

  /** Carries the call out with a macro that the called one sees as {@code caller}. */
  Object evaluate(Frame frame, Function caller) {
    Object callee = function.evaluate(frame);
    Arguments given = arguments.evaluate(frame);
    Map<String, Object> named = new LinkedHashMap<>(given.named());
    named.put("caller", caller);
    return call(frame, callee, new Arguments(given.positional(), named));
  }

  private Object call(Frame frame, Object callee, Arguments given) {
    Run run = frame.run;
    run.line = line;
    if (callee instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (!(callee instanceof Function target)) {
      throw JinjaException.of(Types.name(callee) + " cannot be called");
    }
    Object result = target.call(run, given);
    // A macro has moved it on.
    run.line = line;
    return result;
  }
}
