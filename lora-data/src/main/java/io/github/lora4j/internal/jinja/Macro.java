package io.github.lora4j.internal.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A macro, or the body of a call block.
 *
 * @param defaults of the last parameters
 * @param names what the body mentions: {@code varargs} and {@code kwargs} take what is left over
 */
record Macro(
    String name,
    List<String> parameters,
    List<Expression> defaults,
    List<Statement> body,
    Set<String> names,
    Frame definedIn)
    implements Function {

  @Override
  public Object call(Run run, Arguments arguments) {
    if (run.depth >= Budget.MAX_DEPTH) {
      throw JinjaException.of("more than " + Budget.MAX_DEPTH + " macros call each other");
    }
    run.depth++;
    try {
      Frame frame = definedIn.capture();
      bind(frame, arguments);
      Block.execute(body, frame);
      return frame.output();
    } finally {
      run.depth--;
    }
  }

  private void bind(Frame frame, Arguments arguments) {
    List<Object> positional = arguments.positional();
    Map<String, Object> rest = new LinkedHashMap<>(arguments.named());
    for (int i = 0; i < parameters.size(); i++) {
      String parameter = parameters.get(i);
      Object named = rest.remove(parameter);
      int defaulted = i - (parameters.size() - defaults.size());
      if (i < positional.size()) {
        if (named != null) {
          throw JinjaException.of(
              "the macro " + name + " was given twice its argument " + parameter);
        }
        frame.set(parameter, positional.get(i));
      } else if (named != null) {
        frame.set(parameter, named);
      } else if (defaulted >= 0) {
        frame.set(parameter, defaults.get(defaulted).evaluate(frame));
      } else {
        frame.set(parameter, new Undefined("parameter \"" + parameter + "\" was not provided"));
      }
    }
    bindRest(frame, positional, rest);
  }

  private void bindRest(Frame frame, List<Object> positional, Map<String, Object> rest) {
    if (names.contains("caller") && !parameters.contains("caller")) {
      Object caller = rest.remove("caller");
      frame.set("caller", caller == null ? new Undefined("no caller is defined") : caller);
    }
    if (names.contains("varargs")) {
      frame.set(
          "varargs",
          new Tuple(
              positional.subList(
                  Math.min(parameters.size(), positional.size()), positional.size())));
    } else if (positional.size() > parameters.size()) {
      throw JinjaException.of(
          "the macro "
              + name
              + " takes at most "
              + parameters.size()
              + " arguments, found "
              + positional.size());
    }
    if (names.contains("kwargs")) {
      frame.set("kwargs", new LinkedHashMap<Object, Object>(rest));
    } else if (!rest.isEmpty()) {
      throw JinjaException.of(
          "the macro " + name + " has no argument " + rest.keySet().iterator().next());
    }
  }
}
