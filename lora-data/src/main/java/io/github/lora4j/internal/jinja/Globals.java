package io.github.lora4j.internal.jinja;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The functions that every template has. */
final class Globals {

  /** Jinja's sandbox has the same limit. */
  private static final int MAX_RANGE = 100_000;

  private static final Map<String, Function> FUNCTIONS =
      Map.of(
          "raise_exception",
          (run, arguments) -> {
            Object message = arguments.bind("raise_exception", 1, "message")[0];
            throw JinjaException.raised(Representation.text(run.budget, Sequences.given(message)));
          },
          "strftime_now",
          (run, arguments) ->
              Strftime.format(
                  LocalDateTime.now(run.clock),
                  TextMethods.text("strftime_now", arguments.bind("strftime_now", 1, "format")[0])),
          "namespace",
          Globals::namespace,
          "dict",
          (run, arguments) -> attributes(run, arguments),
          "range",
          Globals::range);

  private Globals() {}

  static @Nullable Function get(String name) {
    return FUNCTIONS.get(name);
  }

  private static Object namespace(Run run, Arguments arguments) {
    Namespace namespace = new Namespace();
    attributes(run, arguments)
        .forEach((key, value) -> namespace.attributes.put(key.toString(), value));
    return namespace;
  }

  private static Map<Object, Object> attributes(Run run, Arguments arguments) {
    Map<Object, Object> attributes = new LinkedHashMap<>();
    for (Object from : arguments.positional()) {
      if (from instanceof Map<?, ?> map) {
        attributes.putAll(map);
      } else {
        for (Object pair : Sequences.elements(run, from)) {
          List<Object> parts = Sequences.elements(run, pair);
          if (parts.size() != 2) {
            throw JinjaException.of("expected pairs of key and value");
          }
          attributes.put(Mappings.key(parts.get(0)), parts.get(1));
        }
      }
    }
    attributes.putAll(arguments.named());
    return attributes;
  }

  private static Object range(Run run, Arguments arguments) {
    List<Object> given = arguments.positional();
    arguments.bind("range", 1, "start", "stop", "step");
    int first = Numbers.small("a bound of range", given.get(0));
    int start = given.size() == 1 ? 0 : first;
    int stop = given.size() == 1 ? first : Numbers.small("a bound of range", given.get(1));
    int step = given.size() < 3 ? 1 : Numbers.small("the step of range", given.get(2));
    if (step == 0) {
      throw JinjaException.of("the step of range cannot be zero");
    }
    List<Object> numbers = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      if (numbers.size() == MAX_RANGE) {
        throw JinjaException.of("range would have more than " + MAX_RANGE + " elements");
      }
      numbers.add(i);
    }
    run.budget.elements(numbers.size());
    return numbers;
  }
}
