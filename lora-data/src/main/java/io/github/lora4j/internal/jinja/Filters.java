package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The filters that chat templates use, as Jinja2 and transformers define them. */
final class Filters {

  /** A filter; the value it is applied to is the first argument. */
  @FunctionalInterface
  interface Filter {

    /** Returns what the filter makes of its arguments. */
    Object apply(Run run, Arguments arguments);
  }

  private static final Map<String, Filter> ALL =
      Map.ofEntries(
          Map.entry("tojson", Json::filter),
          Map.entry("string", text("string", UnaryOperator.identity())),
          Map.entry("safe", text("safe", UnaryOperator.identity())),
          Map.entry("upper", text("upper", PythonText::upper)),
          Map.entry("lower", text("lower", PythonText::lower)),
          Map.entry("capitalize", text("capitalize", PythonText::capitalize)),
          Map.entry("trim", Filters::trim),
          Map.entry("replace", Filters::replace),
          Map.entry("indent", Filters::indent),
          Map.entry("title", text("title", PythonText::capitalizeWords)),
          Map.entry("length", Filters::length),
          Map.entry("count", Filters::length),
          Map.entry("int", Numbers::integer),
          Map.entry("float", Numbers::real),
          Map.entry("abs", Numbers::absolute),
          Map.entry("round", Numbers::round),
          Map.entry("sort", Aggregates::sort),
          Map.entry("unique", Aggregates::unique),
          Map.entry("min", Aggregates::least),
          Map.entry("max", Aggregates::greatest),
          Map.entry("sum", Aggregates::sum),
          Map.entry("default", Filters::otherwise),
          Map.entry("d", Filters::otherwise),
          Map.entry("first", (run, arguments) -> end(run, "first", arguments)),
          Map.entry("last", (run, arguments) -> end(run, "last", arguments)),
          Map.entry("list", (run, arguments) -> elements(run, "list", arguments)),
          Map.entry("reverse", Filters::reverse),
          Map.entry("items", Filters::items),
          Map.entry("dictsort", Filters::dictsort),
          Map.entry("join", Filters::join),
          Map.entry("map", Filters::map),
          Map.entry("select", (run, arguments) -> choose(run, "select", arguments)),
          Map.entry("reject", (run, arguments) -> choose(run, "reject", arguments)),
          Map.entry("selectattr", (run, arguments) -> choose(run, "selectattr", arguments)),
          Map.entry("rejectattr", (run, arguments) -> choose(run, "rejectattr", arguments)));

  private Filters() {}

  static Filter get(String name) {
    Filter filter = ALL.get(name);
    if (filter == null) {
      throw JinjaException.of("there is no filter \"" + name + "\" here");
    }
    return filter;
  }

  private static Filter text(String name, UnaryOperator<String> change) {
    return (run, arguments) -> {
      Object value = Items.given(arguments.bind(name, 1, "value")[0]);
      run.budget.value(value);
      return change.apply(Representation.text(run, value));
    };
  }

  private static List<Object> elements(Run run, String name, Arguments arguments) {
    return Items.elements(run, Items.given(arguments.bind(name, 1, "value")[0]));
  }

  private static boolean isTrue(@Nullable Object value) {
    return Types.isTrue(value);
  }

  private static Object trim(Run run, Arguments arguments) {
    Object value = arguments.positional().get(0);
    run.budget.value(value);
    return Methods.stripped(Representation.text(run, value), "trim", arguments.from(1));
  }

  private static Object replace(Run run, Arguments arguments) {
    List<Object> values = new ArrayList<>(arguments.positional());
    run.budget.value(values.get(0));
    values.replaceAll(value -> value instanceof Long ? value : Representation.text(run, value));
    return Methods.replaced(
        run,
        Representation.text(run, arguments.positional().get(0)),
        new Arguments(values, arguments.named()));
  }

  private static Object indent(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("indent", 1, "value", "width", "first", "blank");
    String text = Types.text("what to indent", values[0]);
    long width =
        values[1] == null || values[1] instanceof String
            ? 4
            : Math.max(0, Types.integer("the width of indent", values[1]));
    run.budget.characters(width);
    String indent = values[1] instanceof String given ? given : " ".repeat((int) width);
    StringBuilder result = new StringBuilder(isTrue(values[2]) ? indent : "");
    boolean begun = false;
    for (String line : text.split("\n", -1)) {
      result.append(begun ? "\n" : "");
      result.append(begun && (isTrue(values[3]) || !line.isEmpty()) ? indent : "").append(line);
      begun = true;
      run.budget.characters(Math.max(indent.length(), result.length() / 16));
    }
    return result.toString();
  }

  private static Object length(Run run, Arguments arguments) {
    return Items.length(Items.given(arguments.bind("length", 1, "value")[0]));
  }

  private static Object otherwise(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("default", 1, "value", "default_value", "boolean");
    Object value = Items.given(values[0]);
    if (value instanceof Undefined || (isTrue(values[2]) && !isTrue(value))) {
      return values[1] == null ? "" : values[1];
    }
    return value;
  }

  private static Object end(Run run, String name, Arguments arguments) {
    if (name.equals("last") && arguments.positional().get(0) instanceof Stream) {
      throw JinjaException.of("last does not work on a generator: apply \"list\" before");
    }
    List<Object> all = elements(run, name, arguments);
    if (all.isEmpty()) {
      return new Undefined("there is no " + name + " element");
    }
    return all.get(name.equals("first") ? 0 : all.size() - 1);
  }

  private static Object reverse(Run run, Arguments arguments) {
    Object value = Items.given(arguments.bind("reverse", 1, "value")[0]);
    if (value instanceof String) {
      return Items.slice(run, value, None.NONE, None.NONE, -1L);
    }
    List<Object> all = Items.elements(run, value);
    Collections.reverse(all);
    return new Stream(() -> all);
  }

  /** As Jinja does, without regard to case. */
  static Object folded(Object value) {
    return value instanceof String text ? PythonText.lower(text) : value;
  }

  private static Object items(Run run, Arguments arguments) {
    Object value = Items.given(arguments.bind("items", 1, "value")[0]);
    if (!(value instanceof Map || value instanceof Undefined)) {
      throw JinjaException.of("items expects a dict, found " + Types.name(value));
    }
    return new Stream(
        () -> value instanceof Map<?, ?> map ? Methods.items(map) : new ArrayList<>());
  }

  private static Object dictsort(Run run, Arguments arguments) {
    @Nullable Object[] values =
        arguments.bind("dictsort", 1, "value", "case_sensitive", "by", "reverse");
    if (!(values[0] instanceof Map<?, ?> map) || values[2] != null) {
      throw JinjaException.of("dictsort expects a dict to sort by its keys");
    }
    List<Object> items = Methods.items(map);
    Comparator<Object> order =
        Comparator.comparing(
            item -> {
              Object key = ((Tuple) item).get(0);
              return (String) (isTrue(values[1]) ? key : folded(key));
            });
    items.sort(isTrue(values[3]) ? order.reversed() : order);
    return items;
  }

  private static Object join(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("join", 1, "value", "d", "attribute");
    String separator = values[1] == null ? "" : Representation.text(run, values[1]);
    StringBuilder result = new StringBuilder();
    String between = "";
    for (Object element : Items.elements(run, Items.given(values[0]))) {
      Object part = part(element, Items.given(values[2]));
      result.append(between).append(Representation.text(run, part));
      run.budget.characters(Math.max(separator.length(), result.length() / 16));
      between = separator;
    }
    return result.toString();
  }

  /** Returns the attribute of an element, the element itself for None. */
  static Object part(Object element, Object attribute) {
    if (attribute == None.NONE) {
      return element;
    }
    String name = Types.text("an attribute", attribute);
    if (name.contains(".") || name.contains(",")) {
      throw JinjaException.of("paths of attributes (" + name + ") are not supported");
    }
    return Items.attribute(element, name);
  }

  private static List<Object> given(Run run, Object value) {
    return isTrue(value) ? Items.elements(run, value) : List.of();
  }

  private static Object map(Run run, Arguments arguments) {
    Arguments rest = arguments.from(1);
    Object attribute = Items.given(rest.named().get("attribute"));
    Object otherwise = rest.named().get("default");
    if (attribute == None.NONE && rest.positional().isEmpty()) {
      throw JinjaException.of("map expects a filter or an attribute");
    }
    List<Object> results = new ArrayList<>();
    for (Object element : given(run, arguments.positional().get(0))) {
      if (attribute != None.NONE) {
        Object part = part(element, attribute);
        results.add(part instanceof Undefined && otherwise != null ? otherwise : part);
      } else {
        String name = Types.text("the name of a filter", rest.positional().get(0));
        results.add(get(name).apply(run, rest.from(1).behind(element)));
      }
    }
    return new Stream(() -> results);
  }

  private static Object choose(Run run, String name, Arguments arguments) {
    boolean byAttribute = name.endsWith("attr");
    List<Object> given = arguments.from(1).positional();
    if (byAttribute && given.isEmpty()) {
      throw JinjaException.of(name + " expects an attribute");
    }
    Object attribute = byAttribute ? given.get(0) : None.NONE;
    int at = byAttribute ? 1 : 0;
    Predicate<Object> test = Types::isTrue;
    if (given.size() > at) {
      String testName = Tests.check(Types.text("the name of a test", given.get(at)));
      Arguments rest = arguments.from(at + 2);
      test = element -> Tests.apply(run, testName, rest.behind(element));
    }
    List<Object> chosen = new ArrayList<>();
    for (Object element : given(run, arguments.positional().get(0))) {
      if (test.test(part(element, attribute)) == name.startsWith("select")) {
        chosen.add(element);
      }
    }
    return new Stream(() -> chosen);
  }
}
