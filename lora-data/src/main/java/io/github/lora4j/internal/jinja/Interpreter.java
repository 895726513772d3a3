package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.tree.Node;
import java.util.List;

/** Jinjava's interpreter, with values as Python writes them and every problem an exception. */
final class Interpreter extends JinjavaInterpreter {

  final Run run;
  final Engine engine;

  Interpreter(Engine engine, Context context, Run run) {
    super(engine, context, engine.getGlobalConfig());
    this.run = run;
    this.engine = engine;
  }

  @Override
  public String getAsString(Object value) {
    return Representation.text(run, value);
  }

  /** Jinjava counts a tag at the line where it ends; messages name that of its start. */
  @Override
  public Object resolveELExpression(String expression, int line) {
    run.line = line - (int) expression.chars().filter(c -> c == '\n').count();
    return value(expression);
  }

  /** Returns the value of an expression of the tag that is being carried out. */
  Object value(String expression) {
    run.budget.step();
    return engine.expression(expression).getValue(null, null, null);
  }

  @Override
  public void addError(TemplateError error) {
    throw JinjaException.from(error.getException(), error.getMessage())
        .withLine(run.line > 0 ? run.line : Math.max(1, error.getLineno()));
  }

  /** Returns what the nodes write, up to a {@code break} or {@code continue}. */
  String render(List<Node> nodes) {
    StringBuilder result = new StringBuilder();
    for (Node node : nodes) {
      String text = node.render(this).getValue();
      run.budget.characters(text.length());
      run.budget.characters(
          result.length() + text.length() > Budget.MAX_TEXT ? Budget.MAX_TEXT + 1L : 1);
      result.append(text);
      if (getContext().get("loop") instanceof Loop loop && loop.isContinued()) {
        break;
      }
    }
    return result.toString();
  }
}
