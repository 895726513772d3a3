package io.github.lora4j.internal.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The methods of Python's lists that change nothing. */
final class ListMethods {

  private ListMethods() {}

  static @Nullable Function get(List<?> list, String name) {
    return switch (name) {
      case "count" ->
          (run, arguments) -> {
            Object wanted = arguments.bind("count", 1, "value")[0];
            return list.stream()
                .filter(e -> Comparison.equal(run.budget, e, Sequences.given(wanted)))
                .count();
          };
      case "index" ->
          (run, arguments) -> {
            Object wanted = Sequences.given(arguments.bind("index", 1, "value")[0]);
            for (int i = 0; i < list.size(); i++) {
              if (Comparison.equal(run.budget, list.get(i), wanted)) {
                return (long) i;
              }
            }
            throw JinjaException.of(Representation.shorten(wanted) + " is not in the list");
          };
      case "copy" -> (run, arguments) -> list;
      case "append", "extend", "insert", "pop", "remove", "reverse", "sort", "clear" ->
          (run, arguments) -> {
            throw JinjaException.of("templates cannot change a list: \"" + name + "\"");
          };
      default -> null;
    };
  }
}
