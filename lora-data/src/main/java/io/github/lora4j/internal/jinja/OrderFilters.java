package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Filters that compare elements. */
final class OrderFilters {

  static final Map<String, Function> ALL =
      Map.of(
          "sort", OrderFilters::sort,
          "dictsort", OrderFilters::dictSort,
          "unique", OrderFilters::unique,
          "groupby", OrderFilters::groupBy,
          "min", (run, arguments) -> extreme(run, "min", arguments),
          "max", (run, arguments) -> extreme(run, "max", arguments));

  private OrderFilters() {}

  private static boolean isTrue(@Nullable Object value) {
    return value != null && Types.isTrue(value);
  }

  private static Object fold(Object value, boolean caseSensitive) {
    return !caseSensitive && Types.isText(value) ? PythonText.lower(Types.text(value)) : value;
  }

  /** An element with what it is compared by. */
  private record Keyed(Object key, Object element) {}

  private static List<Keyed> keyed(
      Run run, Object value, @Nullable Object path, boolean caseSensitive) {
    List<Keyed> keyed = new ArrayList<>();
    for (Object element : Sequences.elements(run, value)) {
      Object key = Paths.get(run, element, Sequences.given(path));
      keyed.add(new Keyed(fold(key, caseSensitive), element));
    }
    return keyed;
  }

  private static Comparator<Keyed> order(Run run) {
    return (left, right) -> {
      run.budget.step();
      return Comparison.order("<", run, left.key(), right.key());
    };
  }

  private static Object sort(Run run, Arguments arguments) {
    @Nullable Object[] values =
        arguments.bind("sort", 1, "value", "reverse", "case_sensitive", "attribute");
    String several = values[3] instanceof String text && text.contains(",") ? text : null;
    List<Keyed> keyed;
    if (several == null) {
      keyed = keyed(run, Sequences.given(values[0]), values[3], isTrue(values[2]));
    } else {
      keyed = new ArrayList<>();
      for (Object element : Sequences.elements(run, Sequences.given(values[0]))) {
        List<Object> keys = new ArrayList<>();
        for (String path : several.split(",", -1)) {
          keys.add(fold(Paths.get(run, element, path), isTrue(values[2])));
        }
        keyed.add(new Keyed(keys, element));
      }
    }
    return sorted(run, keyed, isTrue(values[1]));
  }

  private static List<Object> sorted(Run run, List<Keyed> keyed, boolean reverse) {
    Comparator<Keyed> order = order(run);
    keyed.sort(reverse ? order.reversed() : order);
    List<Object> elements = new ArrayList<>();
    keyed.forEach(each -> elements.add(each.element()));
    return elements;
  }

  private static Object dictSort(Run run, Arguments arguments) {
    @Nullable Object[] values =
        arguments.bind("dictsort", 1, "value", "case_sensitive", "by", "reverse");
    Object value = Sequences.given(values[0]);
    if (!(value instanceof Map<?, ?> map)) {
      throw JinjaException.of("dictsort expects a dict, found " + Types.name(value));
    }
    String by = values[2] == null ? "key" : TextMethods.text("dictsort", values[2]);
    if (!by.equals("key") && !by.equals("value")) {
      throw JinjaException.of("dictsort sorts by key or value, found " + by);
    }
    Object index = by.equals("key") ? 0L : 1L;
    List<Keyed> keyed = keyed(run, Mappings.items(map), index, isTrue(values[1]));
    return sorted(run, keyed, isTrue(values[3]));
  }

  private static Object unique(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("unique", 1, "value", "case_sensitive", "attribute");
    return new Stream(
        () -> {
          List<Object> chosen = new ArrayList<>();
          java.util.Set<Object> seen = new java.util.HashSet<>();
          for (Keyed each : keyed(run, Sequences.given(values[0]), values[2], isTrue(values[1]))) {
            if (seen.add(Mappings.key(each.key()))) {
              chosen.add(each.element());
            }
          }
          return chosen;
        });
  }

  private static Object groupBy(Run run, Arguments arguments) {
    @Nullable Object[] values =
        arguments.bind("groupby", 2, "value", "attribute", "default", "case_sensitive");
    List<Keyed> keyed = new ArrayList<>();
    for (Object element : Sequences.elements(run, Sequences.given(values[0]))) {
      keyed.add(new Keyed(fold(groupKey(run, element, values), isTrue(values[3])), element));
    }
    keyed.sort(order(run));
    List<Object> groups = new ArrayList<>();
    for (int start = 0; start < keyed.size(); ) {
      List<Object> members = new ArrayList<>();
      int end = start;
      while (end < keyed.size()
          && Comparison.equal(run.budget, keyed.get(start).key(), keyed.get(end).key())) {
        members.add(keyed.get(end++).element());
      }
      groups.add(Tuple.of(groupKey(run, members.get(0), values), members));
      start = end;
    }
    return groups;
  }

  private static Object groupKey(Run run, Object element, @Nullable Object[] values) {
    return Paths.get(run, element, Sequences.given(values[1]), Sequences.given(values[2]));
  }

  private static Object extreme(Run run, String name, Arguments arguments) {
    @Nullable Object[] values = arguments.bind(name, 1, "value", "case_sensitive", "attribute");
    List<Keyed> keyed = keyed(run, Sequences.given(values[0]), values[2], isTrue(values[1]));
    if (keyed.isEmpty()) {
      return new Undefined("there is no " + name + " of nothing");
    }
    Comparator<Keyed> order = order(run);
    // The first of equal ones, as in Python.
    return name.equals("min")
        ? Collections.min(keyed, order).element()
        : Collections.min(keyed, order.reversed()).element();
  }
}
