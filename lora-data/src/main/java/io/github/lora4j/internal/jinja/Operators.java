package io.github.lora4j.internal.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/** Arithmetic on values. */
final class Operators {

  private Operators() {}

  static Object binary(String operator, Run run, Object left, Object right) {
    run.budget.value(left);
    run.budget.value(right);
    requireDefined(left);
    if (operator.equals("%") && Types.isText(left)) {
      return PercentFormat.format(run, Types.text(left), right);
    }
    requireDefined(right);
    if (Types.isNumber(left) && Types.isNumber(right)) {
      return left instanceof Double || right instanceof Double || operator.equals("/")
          ? real(operator, Numbers.real(left), Numbers.real(right))
          : integer(operator, Numbers.big(left), Numbers.big(right));
    }
    if (operator.equals("+") && Types.isText(left) && Types.isText(right)) {
      return join(run, left, right);
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
    if (operator.equals("*")) {
      return Types.isNumber(left) ? repeat(run, right, left) : repeat(run, left, right);
    }
    throw unsupported(operator, left, right);
  }

  private static void requireDefined(Object value) {
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
  }

  static JinjaException unsupported(String operator, Object left, Object right) {
    return JinjaException.of(
        "\"" + operator + "\" does not work on " + Types.name(left) + " and " + Types.name(right));
  }

  private static Object join(Run run, Object left, Object right) {
    if (left instanceof Markup || right instanceof Markup) {
      return new Markup(
          Markup.escaped(run.budget, left).text() + Markup.escaped(run.budget, right).text());
    }
    String joined = Types.text(left) + Types.text(right);
    run.budget.characters(joined.length());
    return joined;
  }

  private static Object repeat(Run run, Object value, Object times) {
    if (!(Types.isText(value) || value instanceof List)
        || !Types.isNumber(times)
        || times instanceof Double) {
      throw unsupported("*", value, times);
    }
    long count = Math.max(0, Numbers.small("the number of repetitions", times));
    if (Types.isText(value)) {
      String text = Types.text(value);
      run.budget.characters(text.length() * count);
      String repeated = text.repeat((int) count);
      return value instanceof Markup ? new Markup(repeated) : repeated;
    }
    List<?> list = (List<?>) value;
    run.budget.elements(list.size() * count);
    List<Object> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.addAll(list);
    }
    return value instanceof Tuple ? new Tuple(all) : all;
  }

  private static Object integer(String operator, BigInteger left, BigInteger right) {
    return switch (operator) {
      case "+" -> Numbers.integer(left.add(right));
      case "-" -> Numbers.integer(left.subtract(right));
      case "*" -> Numbers.integer(left.multiply(right));
      case "//" -> Numbers.integer(floorDivide(left, right)[0]);
      case "%" -> Numbers.integer(floorDivide(left, right)[1]);
      default -> power(left, right);
    };
  }

  private static BigInteger[] floorDivide(BigInteger left, BigInteger right) {
    if (right.signum() == 0) {
      throw JinjaException.of("division by zero");
    }
    BigInteger[] parts = left.divideAndRemainder(right);
    return parts[1].signum() != 0 && parts[1].signum() != right.signum()
        ? new BigInteger[] {parts[0].subtract(BigInteger.ONE), parts[1].add(right)}
        : parts;
  }

  private static Object power(BigInteger left, BigInteger right) {
    if (right.signum() < 0) {
      return Math.pow(left.doubleValue(), right.doubleValue());
    }
    int exponent = Numbers.small("an exponent", Numbers.integer(right));
    // Refused before it is computed.
    if (exponent > 1 && (long) left.bitLength() * exponent > 2L * Numbers.MAX_BITS) {
      throw Numbers.tooLarge();
    }
    return Numbers.integer(left.pow(exponent));
  }

  private static Object real(String operator, double left, double right) {
    if (right == 0 && "/ // %".contains(operator)) {
      throw JinjaException.of("division by zero");
    }
    return switch (operator) {
      case "+" -> left + right;
      case "-" -> left - right;
      case "*" -> left * right;
      case "/" -> left / right;
      case "//" -> Math.floor(left / right);
      case "%" -> left - right * Math.floor(left / right);
      default -> Math.pow(left, right);
    };
  }

  static Object negate(Object value) {
    requireDefined(value);
    if (value instanceof Double number) {
      return -number;
    }
    if (Types.isNumber(value)) {
      return Numbers.integer(Numbers.big(value).negate());
    }
    throw JinjaException.of("\"-\" does not work on " + Types.name(value));
  }

  static Object plus(Object value) {
    requireDefined(value);
    if (Types.isNumber(value)) {
      return value instanceof Boolean ? Numbers.integer(Numbers.big(value)) : value;
    }
    throw JinjaException.of("\"+\" does not work on " + Types.name(value));
  }
}
