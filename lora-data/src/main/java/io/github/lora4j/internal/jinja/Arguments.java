package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of a call.
 *
 * @param positional for a filter or test, the value it is applied to comes first
 */
record Arguments(List<Object> positional, Map<String, Object> named) {

  static final Arguments EMPTY = new Arguments(List.of(), Map.of());

  /** Returns these arguments with one more in front. */
  Arguments behind(Object first) {
    List<Object> all = new ArrayList<>(positional.size() + 1);
    all.add(first);
    all.addAll(positional);
    return new Arguments(all, named);
  }

  /** Returns these arguments without the first ones. */
  Arguments from(int start) {
    return new Arguments(
        positional.subList(Math.min(start, positional.size()), positional.size()), named);
  }

  /**
   * Assigns the arguments to parameters.
   *
   * @param required how many of them, from the first, must be there
   * @return a value for each parameter, null where none was given
   * @throws JinjaException if there are too many, unknown or missing ones
   */
  @Nullable Object[] bind(String function, int required, String... parameters) {
    if (positional.size() > parameters.length) {
      throw JinjaException.of(
          function
              + " takes at most "
              + parameters.length
              + " arguments, found "
              + positional.size());
    }
    @Nullable Object[] values = new @Nullable Object[parameters.length];
    for (int i = 0; i < positional.size(); i++) {
      values[i] = positional.get(i);
    }
    named.forEach(
        (name, value) -> {
          int index = List.of(parameters).indexOf(name);
          if (index < 0 || values[index] != null) {
            throw JinjaException.of(
                function
                    + (index < 0 ? " has no argument " : " was given twice its argument ")
                    + name);
          }
          values[index] = value;
        });
    for (int i = 0; i < required; i++) {
      if (values[i] == null) {
        throw JinjaException.of(function + " needs the argument " + parameters[i]);
      }
    }
    return values;
  }
}
