package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The filters that put elements in order or make one value of them. */
final class Aggregates {

  private Aggregates() {}

  static Object sort(Run run, Arguments arguments) {
    @Nullable Object[] values =
        arguments.bind("sort", 1, "value", "reverse", "case_sensitive", "attribute");
    UnaryOperator<Object> key = key(values[2], values[3]);
    List<Object> sorted = Items.elements(run, Items.given(values[0]));
    Comparator<Object> order =
        (left, right) -> Comparison.order("<", run, key.apply(left), key.apply(right));
    sorted.sort(Types.isTrue(values[1]) ? order.reversed() : order);
    return sorted;
  }

  static Object unique(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("unique", 1, "value", "case_sensitive", "attribute");
    UnaryOperator<Object> key = key(values[1], values[2]);
    List<Object> seen = new ArrayList<>();
    List<Object> chosen = new ArrayList<>();
    for (Object element : Items.elements(run, Items.given(values[0]))) {
      Object found = hashed(key.apply(element));
      if (seen.stream().noneMatch(before -> Comparison.equal(run.budget, before, found))) {
        seen.add(found);
        chosen.add(element);
      }
    }
    return new Stream(() -> chosen);
  }

  private static Object hashed(Object key) {
    if (key instanceof List && !(key instanceof Tuple) || key instanceof java.util.Map) {
      throw JinjaException.of("unique does not work on " + Types.name(key));
    }
    return key;
  }

  static Object least(Run run, Arguments arguments) {
    return extreme(run, "min", "<", arguments);
  }

  static Object greatest(Run run, Arguments arguments) {
    return extreme(run, "max", ">", arguments);
  }

  private static Object extreme(Run run, String name, String better, Arguments arguments) {
    @Nullable Object[] values = arguments.bind(name, 1, "value", "case_sensitive", "attribute");
    UnaryOperator<Object> key = key(values[1], values[2]);
    List<Object> all = Items.elements(run, Items.given(values[0]));
    if (all.isEmpty()) {
      return new Undefined("there is no " + name + " of nothing");
    }
    Object best = all.get(0);
    for (Object element : all.subList(1, all.size())) {
      if (Comparison.test(better, run, key.apply(element), key.apply(best))) {
        best = element;
      }
    }
    return best;
  }

  static Object sum(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("sum", 1, "iterable", "attribute", "start");
    Object total = values[2] == null ? 0L : values[2];
    for (Object element : Items.elements(run, Items.given(values[0]))) {
      Object part = Filters.part(element, Items.given(values[1]));
      if (part instanceof String) {
        throw Operators.unsupported("+", total, part);
      }
      total = Operators.binary("+", run, total, part);
    }
    return total;
  }

  /** What elements are compared by; without regard to case unless told. */
  private static UnaryOperator<Object> key(@Nullable Object caseSensitive, @Nullable Object name) {
    return element -> {
      Object part = Filters.part(element, Items.given(name));
      return Types.isTrue(caseSensitive) ? part : Filters.folded(part);
    };
  }
}
