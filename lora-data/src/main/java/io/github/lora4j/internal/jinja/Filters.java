package io.github.lora4j.internal.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;

/** The filters, by name. */
final class Filters {

  private static final Map<String, Function> ALL = new HashMap<>();

  static {
    ALL.putAll(TextFilters.ALL);
    ALL.putAll(NumberFilters.ALL);
    ALL.putAll(ListFilters.ALL);
    ALL.putAll(OrderFilters.ALL);
    ALL.put("tojson", Json::filter);
  }

  private Filters() {}

  /** Applies a filter to the first of the arguments. */
  static Object apply(Run run, String name, Arguments arguments) {
    Function filter = ALL.get(name);
    if (filter == null) {
      throw JinjaException.of(
          "there is no filter \"" + name + "\" here, only " + new TreeSet<>(ALL.keySet()));
    }
    run.budget.value(arguments.positional().get(0));
    Object result = filter.call(run, arguments);
    run.budget.value(result);
    return result;
  }
}
