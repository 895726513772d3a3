package io.github.lora4j.internal.jinja;

import java.util.List;
import java.util.Map;

/** Equality, order and membership of values. */
final class Comparison {

  private Comparison() {}

  static boolean test(String operator, Run run, Object left, Object right) {
    return switch (operator) {
      case "==" -> equal(run.budget, left, right);
      case "!=" -> !equal(run.budget, left, right);
      case "in" -> contains(run, right, left);
      case "not in" -> !contains(run, right, left);
      case "<" -> order(operator, run, left, right) < 0;
      case "<=" -> order(operator, run, left, right) <= 0;
      case ">" -> order(operator, run, left, right) > 0;
      default -> order(operator, run, left, right) >= 0;
    };
  }

  static boolean equal(Budget budget, Object left, Object right) {
    budget.value(left);
    if (Types.isNumber(left) && Types.isNumber(right)) {
      return compare(left, right) == 0 && !isNan(left) && !isNan(right);
    }
    if (left instanceof String a && right instanceof String b) {
      return a.equals(b);
    }
    if (left instanceof List<?> first && right instanceof List<?> second) {
      if (first.size() != second.size() || left instanceof Tuple != right instanceof Tuple) {
        return false;
      }
      for (int i = 0; i < first.size(); i++) {
        if (!equal(budget, first.get(i), second.get(i))) {
          return false;
        }
      }
      return true;
    }
    if (left instanceof Map<?, ?> first && right instanceof Map<?, ?> second) {
      return first.size() == second.size()
          && first.entrySet().stream()
              .allMatch(
                  entry -> {
                    Object other = second.get(entry.getKey());
                    return other != null && equal(budget, entry.getValue(), other);
                  });
    }
    if (left instanceof Undefined && right instanceof Undefined) {
      return true;
    }
    return left == right;
  }

  private static int compare(Object left, Object right) {
    return left instanceof Double || right instanceof Double
        ? Double.compare(Operators.real(left) + 0.0, Operators.real(right) + 0.0)
        : Long.compare(Types.integer("it", left), Types.integer("it", right));
  }

  private static boolean isNan(Object value) {
    return value instanceof Double number && number.isNaN();
  }

  /** Returns a negative number, zero or a positive one; an error where Python has no order. */
  static int order(String operator, Run run, Object left, Object right) {
    run.budget.value(left);
    for (Object value : new Object[] {left, right}) {
      if (value instanceof Undefined undefined) {
        throw undefined.error();
      }
    }
    if (Types.isNumber(left) && Types.isNumber(right)) {
      return compare(left, right);
    }
    if (left instanceof String a && right instanceof String b) {
      return orderText(a, b);
    }
    if (left instanceof List<?> first
        && right instanceof List<?> second
        && left instanceof Tuple == right instanceof Tuple) {
      for (int i = 0; i < Math.min(first.size(), second.size()); i++) {
        if (!equal(run.budget, first.get(i), second.get(i))) {
          return order(operator, run, first.get(i), second.get(i));
        }
      }
      return Integer.compare(first.size(), second.size());
    }
    throw Operators.unsupported(operator, left, right);
  }

  /** By code points: beyond the basic plane Java's own order is another one. */
  private static int orderText(String left, String right) {
    int[] first = left.codePoints().toArray();
    int[] second = right.codePoints().toArray();
    return java.util.Arrays.compare(first, second);
  }

  static boolean contains(Run run, Object container, Object element) {
    if (container instanceof String text) {
      if (!(element instanceof String part)) {
        throw Operators.unsupported("in", element, container);
      }
      run.budget.value(container);
      return text.contains(part);
    }
    if (container instanceof Map<?, ?> map) {
      if (element instanceof Map || (element instanceof List && !(element instanceof Tuple))) {
        throw Operators.unsupported("in", element, container);
      }
      // All keys are texts.
      return element instanceof String && map.containsKey(element);
    }
    if (!Types.isIterable(container)) {
      throw Operators.unsupported("in", element, container);
    }
    for (Object candidate : Items.elements(run, container)) {
      if (equal(run.budget, candidate, element)) {
        return true;
      }
    }
    return false;
  }
}
