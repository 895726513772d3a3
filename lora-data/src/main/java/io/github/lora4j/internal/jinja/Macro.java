package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.tree.Node;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A part of a template that can be called. It sees the variables of where it stands, not those of
 * where it is called.
 */
final class Macro {

  /**
   * A parameter.
   *
   * @param otherwise the expression that stands in where nothing is given, null if there is none
   */
  record Parameter(String name, @Nullable String otherwise) {}

  private final String name;
  private final List<Parameter> parameters;
  private final List<Node> body;
  private final Context definition;
  private final Engine engine;

  Macro(
      String name,
      List<Parameter> parameters,
      List<Node> body,
      Context definition,
      Interpreter interpreter) {
    this.name = name;
    this.parameters = parameters;
    this.body = body;
    this.definition = definition;
    this.engine = interpreter.engine;
  }

  String call(Run run, Arguments arguments) {
    if (run.depth == Budget.MAX_DEPTH) {
      throw JinjaException.of("more than " + Budget.MAX_DEPTH + " macros within each other");
    }
    @Nullable Object[] values =
        arguments.bind(name, 0, parameters.stream().map(Parameter::name).toArray(String[]::new));
    Interpreter caller = run.interpreter;
    int line = run.line;
    run.depth++;
    Interpreter called = engine.interpreter(run, definition);
    run.interpreter = called;
    try (var current = JinjavaInterpreter.closeablePushCurrent(called).get()) {
      for (int i = 0; i < values.length; i++) {
        Parameter parameter = parameters.get(i);
        Object value = values[i];
        if (value == null) {
          value =
              parameter.otherwise == null
                  ? new Undefined("\"" + parameter.name + "\" was not given")
                  : called.value(parameter.otherwise);
        }
        called.getContext().put(parameter.name, value);
      }
      return ((Interpreter) current.value()).render(body);
    } finally {
      run.interpreter = caller;
      run.line = line;
      run.depth--;
    }
  }
}
