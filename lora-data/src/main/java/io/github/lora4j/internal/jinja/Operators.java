package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.List;

/** Arithmetic and joining of values as Python does it. */
final class Operators {

  private Operators() {}

  static JinjaException unsupported(String operator, Object left, Object right) {
    for (Object value : new Object[] {left, right}) {
      if (value instanceof Undefined undefined) {
        return undefined.error();
      }
    }
    return JinjaException.of(
        "\"" + operator + "\" does not work on " + Types.name(left) + " and " + Types.name(right));
  }

  static Object negative(Object value) {
    if (value instanceof Double number) {
      return -number;
    }
    return Math.negateExact(Types.integer("the operand of \"-\"", value));
  }

  static Object binary(String operator, Run run, Object left, Object right) {
    run.budget.value(left);
    run.budget.value(right);
    if (operator.equals("~")) {
      return joined(run, Representation.text(run, left), Representation.text(run, right));
    }
    if (operator.equals("+") && left instanceof String first && right instanceof String second) {
      return joined(run, first, second);
    }
    if (operator.equals("+")
        && left instanceof List<?> first
        && right instanceof List<?> second
        && left instanceof Tuple == right instanceof Tuple) {
      run.budget.elements((long) first.size() + second.size());
      List<Object> all = new ArrayList<>(first);
      all.addAll(second);
      return left instanceof Tuple ? new Tuple(all) : all;
    }
    if (operator.equals("*") && left instanceof String text && right instanceof Long times) {
      run.budget.characters(Math.multiplyHigh(text.length(), times) > 0 ? Long.MAX_VALUE : 0);
      run.budget.characters(Math.max(0, text.length() * times));
      return text.repeat((int) Math.max(0, times));
    }
    if (!Types.isNumber(left) || !Types.isNumber(right)) {
      throw unsupported(operator, left, right);
    }
    try {
      return left instanceof Double || right instanceof Double || operator.equals("/")
          ? reals(operator, real(left), real(right))
          : integers(operator, Types.integer("it", left), Types.integer("it", right));
    } catch (ArithmeticException e) {
      throw JinjaException.of("\"" + operator + "\" overflows or divides by zero");
    }
  }

  private static String joined(Run run, String left, String right) {
    run.budget.characters((long) left.length() + right.length());
    return left + right;
  }

  static double real(Object value) {
    return value instanceof Double number ? number : Types.integer("a number", value);
  }

  private static Object integers(String operator, long left, long right) {
    return switch (operator) {
      case "+" -> Math.addExact(left, right);
      case "-" -> Math.subtractExact(left, right);
      case "*" -> Math.multiplyExact(left, right);
      case "//" -> Math.floorDiv(left, right);
      default -> Math.floorMod(left, right);
    };
  }

  private static Object reals(String operator, double left, double right) {
    if (right == 0 && "//%".contains(operator)) {
      throw new ArithmeticException();
    }
    return switch (operator) {
      case "+" -> left + right;
      case "-" -> left - right;
      case "*" -> left * right;
      case "/" -> left / right;
      default -> throw JinjaException.of("\"" + operator + "\" of floats is not supported");
    };
  }
}
