package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Filters that take or give elements. */
final class ListFilters {

  static final Map<String, Function> ALL =
      Map.ofEntries(
          Map.entry("default", ListFilters::otherwise),
          Map.entry("d", ListFilters::otherwise),
          Map.entry("first", ListFilters::first),
          Map.entry("last", ListFilters::last),
          Map.entry("list", ListFilters::list),
          Map.entry("items", ListFilters::items),
          Map.entry("join", ListFilters::join),
          Map.entry("map", ListFilters::map),
          Map.entry("attr", ListFilters::attribute),
          Map.entry("batch", ListFilters::batch),
          Map.entry("reverse", ListFilters::reverse),
          Map.entry("select", (run, arguments) -> choose(run, "select", arguments)),
          Map.entry("reject", (run, arguments) -> choose(run, "reject", arguments)),
          Map.entry("selectattr", (run, arguments) -> choose(run, "selectattr", arguments)),
          Map.entry("rejectattr", (run, arguments) -> choose(run, "rejectattr", arguments)));

  private ListFilters() {}

  private static Object otherwise(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("default", 1, "value", "default_value", "boolean");
    Object value = Sequences.given(values[0]);
    boolean anyFalse = values[2] != null && Types.isTrue(values[2]);
    if (value instanceof Undefined || (anyFalse && !Types.isTrue(value))) {
      return values[1] == null ? "" : values[1];
    }
    return value;
  }

  private static Object first(Run run, Arguments arguments) {
    Object value = Sequences.given(arguments.bind("first", 1, "value")[0]);
    if (value instanceof Stream stream) {
      return stream.iterator().hasNext()
          ? stream.iterator().next()
          : new Undefined("there is no first element");
    }
    List<Object> elements = Sequences.elements(run, value);
    return elements.isEmpty() ? new Undefined("there is no first element") : elements.get(0);
  }

  private static Object last(Run run, Arguments arguments) {
    Object value = Sequences.given(arguments.bind("last", 1, "value")[0]);
    if (value instanceof Stream) {
      throw JinjaException.of("last does not work on a generator: apply \"list\" before");
    }
    List<Object> elements = Sequences.elements(run, value);
    return elements.isEmpty()
        ? new Undefined("there is no last element")
        : elements.get(elements.size() - 1);
  }

  private static Object list(Run run, Arguments arguments) {
    return Sequences.elements(run, Sequences.given(arguments.bind("list", 1, "value")[0]));
  }

  private static Object items(Run run, Arguments arguments) {
    Object value = Sequences.given(arguments.bind("items", 1, "value")[0]);
    return new Stream(
        () -> {
          if (value instanceof Map<?, ?> map) {
            return Mappings.items(map);
          }
          if (value instanceof Undefined) {
            return List.of();
          }
          throw JinjaException.of("items expects a dict, found " + Types.name(value));
        });
  }

  private static Object join(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("join", 1, "value", "d", "attribute");
    List<String> texts = new ArrayList<>();
    for (Object element : Sequences.elements(run, Sequences.given(values[0]))) {
      Object part = Paths.get(run, element, Sequences.given(values[2]));
      texts.add(Representation.text(run.budget, part));
    }
    String separator = values[1] == null ? "" : Representation.text(run.budget, values[1]);
    return TextMethods.join(run, separator, texts);
  }

  private static Object map(Run run, Arguments arguments) {
    Object value = arguments.positional().get(0);
    List<Object> given = arguments.from(1).positional();
    Object path = arguments.named().get("attribute");
    Object otherwise = Sequences.given(arguments.named().get("default"));
    if (given.isEmpty() && path == null) {
      throw JinjaException.of("map expects a filter or an attribute");
    }
    return new Stream(
        () -> {
          List<Object> results = new ArrayList<>();
          for (Object element : elementsIfTrue(run, value)) {
            results.add(
                given.isEmpty()
                    ? Paths.get(run, element, Sequences.given(path), otherwise)
                    : Filters.apply(
                        run,
                        TextMethods.text("map", given.get(0)),
                        arguments.from(2).behind(element)));
          }
          return results;
        });
  }

  private static List<Object> elementsIfTrue(Run run, Object value) {
    return Types.isTrue(value) ? Sequences.elements(run, value) : List.of();
  }

  private static Object choose(Run run, String name, Arguments arguments) {
    boolean byAttribute = name.endsWith("attr");
    boolean wanted = name.startsWith("select");
    Object value = arguments.positional().get(0);
    List<Object> given = arguments.from(1).positional();
    if (byAttribute && given.isEmpty()) {
      throw JinjaException.of(name + " expects an attribute");
    }
    Object path = byAttribute ? given.get(0) : None.NONE;
    int at = byAttribute ? 1 : 0;
    Arguments rest = arguments.from(at + 2);
    Predicate<Object> test =
        given.size() <= at
            ? Types::isTrue
            : e -> Tests.apply(run, TextMethods.text(name, given.get(at)), rest.behind(e));
    return new Stream(
        () -> {
          List<Object> chosen = new ArrayList<>();
          for (Object element : elementsIfTrue(run, value)) {
            if (test.test(Paths.get(run, element, path)) == wanted) {
              chosen.add(element);
            }
          }
          return chosen;
        });
  }

  private static Object attribute(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("attr", 2, "value", "name");
    Object value = Sequences.given(values[0]);
    String name = TextMethods.text("attr", values[1]);
    Object attribute = Attributes.own(value, name);
    return attribute == null ? Undefined.attribute(value, name) : attribute;
  }

  private static Object batch(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("batch", 2, "value", "linecount", "fill_with");
    int size = Numbers.small("the size of batch", Sequences.given(values[1]));
    if (size < 1) {
      throw JinjaException.of("batch needs a size of at least 1, found " + size);
    }
    run.budget.elements(size);
    return new Stream(
        () -> {
          List<Object> batches = new ArrayList<>();
          List<Object> all = Sequences.elements(run, Sequences.given(values[0]));
          for (int i = 0; i < all.size(); i += size) {
            List<Object> batch = new ArrayList<>(all.subList(i, Math.min(all.size(), i + size)));
            if (values[2] != null && values[2] != None.NONE) {
              batch.addAll(Collections.nCopies(size - batch.size(), values[2]));
            }
            batches.add(batch);
          }
          return batches;
        });
  }

  private static Object reverse(Run run, Arguments arguments) {
    Object value = Sequences.given(arguments.bind("reverse", 1, "value")[0]);
    if (Types.isText(value)) {
      return Sequences.slice(run, value, None.NONE, None.NONE, -1L);
    }
    List<Object> elements = Sequences.elements(run, value);
    Collections.reverse(elements);
    return value instanceof Stream ? elements : new Stream(() -> elements);
  }
}
