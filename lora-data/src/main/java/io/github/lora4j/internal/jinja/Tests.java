package io.github.lora4j.internal.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** The tests behind {@code is}. */
final class Tests {

  private static final Map<String, Predicate<Object>> UNARY =
      Map.ofEntries(
          Map.entry("defined", value -> !(value instanceof Undefined)),
          Map.entry("undefined", Undefined.class::isInstance),
          Map.entry("none", None.class::isInstance),
          Map.entry("true", Boolean.TRUE::equals),
          Map.entry("false", Boolean.FALSE::equals),
          Map.entry("boolean", Boolean.class::isInstance),
          Map.entry("integer", Long.class::isInstance),
          Map.entry("float", Double.class::isInstance),
          Map.entry("number", Types::isNumber),
          Map.entry("string", String.class::isInstance),
          Map.entry("mapping", Map.class::isInstance),
          Map.entry("sequence", Types::isSequence),
          Map.entry("iterable", Types::isIterable));

  private static final Map<String, String> COMPARISONS =
      Map.ofEntries(
          Map.entry("eq", "=="),
          Map.entry("equalto", "=="),
          Map.entry("==", "=="),
          Map.entry("ne", "!="),
          Map.entry("!=", "!="),
          Map.entry("lt", "<"),
          Map.entry("lessthan", "<"),
          Map.entry("<", "<"),
          Map.entry("le", "<="),
          Map.entry("<=", "<="),
          Map.entry("gt", ">"),
          Map.entry("greaterthan", ">"),
          Map.entry(">", ">"),
          Map.entry("ge", ">="),
          Map.entry(">=", ">="),
          Map.entry("in", "in"));

  private static final Set<String> OTHERS = Set.of("odd", "even", "divisibleby", "sameas");

  private Tests() {}

  /** Returns the name of a test if there is one. */
  static String check(String name) {
    if (UNARY.containsKey(name) || COMPARISONS.containsKey(name) || OTHERS.contains(name)) {
      return name;
    }
    throw JinjaException.of("there is no test \"" + name + "\" here");
  }

  /** Applies a test to the first of the arguments. */
  static boolean apply(Run run, String name, Arguments arguments) {
    run.budget.step();
    List<Object> values = arguments.positional();
    Object value = values.get(0);
    if (UNARY.containsKey(name)) {
      arguments.bind(name, 1, "value");
      return UNARY.get(name).test(value);
    }
    if (COMPARISONS.containsKey(name)) {
      arguments.bind(name, 2, "value", "other");
      return Comparison.test(COMPARISONS.get(name), run, value, values.get(1));
    }
    return switch (name) {
      case "odd" -> leaves(run, value, 2L, 1L);
      case "even" -> leaves(run, value, 2L, 0L);
      case "divisibleby" -> {
        arguments.bind(name, 2, "value", "num");
        yield leaves(run, value, values.get(1), 0L);
      }
      case "sameas" -> {
        arguments.bind(name, 2, "value", "other");
        yield same(value, values.get(1));
      }
      default -> throw JinjaException.of(check(name));
    };
  }

  private static boolean leaves(Run run, Object value, Object by, Object remainder) {
    return Comparison.equal(run.budget, Operators.binary("%", run, value, by), remainder);
  }

  /** Python's identity: of small values, and of what is the very same list or dict. */
  private static boolean same(Object left, Object right) {
    boolean small = left instanceof String || left instanceof Boolean || left instanceof Long;
    return left == right || (small && left.equals(right));
  }
}
