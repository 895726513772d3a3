package io.github.lora4j.internal.jinja;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The functions that every template has, and the calls of its macros. */
final class Functions {

  /** Jinja's sandbox has the same limit. */
  private static final int MAX_RANGE = 100_000;

  static final Set<String> NAMES =
      Set.of("raise_exception", "strftime_now", "namespace", "dict", "range");

  /** One of these functions. */
  record Builtin(String name) {}

  private Functions() {}

  static Object call(Run run, String name, Arguments arguments) {
    Object variable = run.variable(name);
    if (variable instanceof Macro macro) {
      return macro.call(run, arguments);
    }
    if (variable instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (!(variable instanceof Builtin)) {
      throw JinjaException.of("\"" + name + "\" cannot be called: it is " + Types.name(variable));
    }
    return switch (name) {
      case "raise_exception" -> {
        Object message = Items.given(arguments.bind(name, 1, "message")[0]);
        throw JinjaException.raised(Representation.text(run, message));
      }
      case "strftime_now" ->
          Strftime.format(
              LocalDateTime.now(run.clock),
              Types.text("the format", arguments.bind(name, 1, "format")[0]));
      case "namespace" -> {
        Namespace namespace = new Namespace();
        namespace.attributes.putAll(dict(arguments));
        yield namespace;
      }
      case "dict" -> dict(arguments);
      default -> range(run, arguments);
    };
  }

  private static Map<String, Object> dict(Arguments arguments) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (Object from : arguments.positional()) {
      if (!(from instanceof Map<?, ?> map)) {
        throw JinjaException.of("expected a dict, found " + Types.name(from));
      }
      map.forEach((key, value) -> values.put((String) key, value));
    }
    values.putAll(arguments.named());
    return values;
  }

  private static List<Object> range(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("range", 1, "start", "stop", "step");
    long first = Types.integer("a bound of range", Items.given(values[0]));
    long start = values[1] == null ? 0 : first;
    long stop = values[1] == null ? first : Types.integer("a bound of range", values[1]);
    long step = values[2] == null ? 1 : Types.integer("the step of range", values[2]);
    List<Object> numbers = new ArrayList<>();
    if (step == 0) {
      throw JinjaException.of("the step of range cannot be zero");
    }
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      if (numbers.size() == MAX_RANGE) {
        throw JinjaException.of("range has more than " + MAX_RANGE + " numbers");
      }
      numbers.add(i);
    }
    run.budget.elements(numbers.size());
    return numbers;
  }
}
