package io.github.lora4j.internal.jinja;

import io.github.lora4j.internal.jinja.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads expressions, with Jinja's precedence. */
final class ExpressionParser {

  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> NO_ARGUMENT = Set.of("else", "or", "and");
  private static final Set<Kind> ARGUMENT =
      Set.of(Kind.NAME, Kind.STRING, Kind.INTEGER, Kind.FLOAT);

  private final Tokens tokens;

  /** The names that were read so far: a macro finds here whether it uses its special ones. */
  Set<String> names = new HashSet<>();

  ExpressionParser(Tokens tokens) {
    this.tokens = tokens;
  }

  Expression expression() {
    return conditional();
  }

  private Expression conditional() {
    Expression result = or();
    while (tokens.skipName("if")) {
      Expression value = result;
      Expression test = or();
      Expression otherwise =
          tokens.skipName("else")
              ? conditional()
              : frame -> new Undefined("the inline if has no else, and its condition is false");
      result =
          frame ->
              Types.isTrue(test.evaluate(frame))
                  ? value.evaluate(frame)
                  : otherwise.evaluate(frame);
    }
    return result;
  }

  Expression or() {
    Expression result = and();
    while (tokens.skipName("or")) {
      Expression left = result;
      Expression right = and();
      result =
          frame -> {
            Object value = left.evaluate(frame);
            return Types.isTrue(value) ? value : right.evaluate(frame);
          };
    }
    return result;
  }

  private Expression and() {
    Expression result = not();
    while (tokens.skipName("and")) {
      Expression left = result;
      Expression right = not();
      result =
          frame -> {
            Object value = left.evaluate(frame);
            return Types.isTrue(value) ? right.evaluate(frame) : value;
          };
    }
    return result;
  }

  private Expression not() {
    if (tokens.skipName("not")) {
      Expression value = not();
      return frame -> !Types.isTrue(value.evaluate(frame));
    }
    return comparison();
  }

  private Expression comparison() {
    Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Expression> operands = new ArrayList<>();
    while (true) {
      Token token = tokens.current();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        operators.add(tokens.next().text());
      } else if (tokens.skipName("in")) {
        operators.add("in");
      } else if (token.isName("not") && tokens.look().isName("in")) {
        tokens.next();
        tokens.next();
        operators.add("not in");
      } else {
        break;
      }
      operands.add(sum());
    }
    return operators.isEmpty() ? first : frame -> compare(frame, first, operators, operands);
  }

  private static Object compare(
      Frame frame, Expression first, List<String> operators, List<Expression> operands) {
    Object left = first.evaluate(frame);
    for (int i = 0; i < operators.size(); i++) {
      Object right = operands.get(i).evaluate(frame);
      if (!Comparison.test(operators.get(i), frame.run, left, right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  private Expression sum() {
    Expression result = concatenation();
    while (tokens.current().isOperator("+") || tokens.current().isOperator("-")) {
      result = binary(tokens.next(), result, concatenation());
    }
    return result;
  }

  private static Expression binary(Token operator, Expression left, Expression right) {
    return frame -> {
      Object first = left.evaluate(frame);
      Object second = right.evaluate(frame);
      frame.run.line = operator.line();
      return Operators.binary(operator.text(), frame.run, first, second);
    };
  }

  private Expression concatenation() {
    Expression first = product();
    if (!tokens.current().isOperator("~")) {
      return first;
    }
    List<Expression> parts = new ArrayList<>(List.of(first));
    while (tokens.skipOperator("~")) {
      parts.add(product());
    }
    return frame ->
        TextMethods.join(
            frame.run,
            "",
            parts.stream()
                .map(part -> Representation.text(frame.run.budget, part.evaluate(frame)))
                .toList());
  }

  private Expression product() {
    Expression result = power();
    while (tokens.current().kind() == Kind.OPERATOR
        && Set.of("*", "/", "//", "%").contains(tokens.current().text())) {
      result = binary(tokens.next(), result, power());
    }
    return result;
  }

  private Expression power() {
    Expression result = unary(true);
    while (tokens.current().isOperator("**")) {
      result = binary(tokens.next(), result, unary(true));
    }
    return result;
  }

  private Expression unary(boolean withFilter) {
    Expression node;
    if (tokens.skipOperator("-")) {
      Expression value = unary(false);
      node = frame -> Operators.negate(value.evaluate(frame));
    } else if (tokens.skipOperator("+")) {
      Expression value = unary(false);
      node = frame -> Operators.plus(value.evaluate(frame));
    } else {
      node = primary();
    }
    Expression result = postfix(node);
    return withFilter ? filtersAndTests(result) : result;
  }

  private Expression primary() {
    Token token = tokens.current();
    switch (token.kind()) {
      case NAME -> {
        tokens.next();
        return name(token.text());
      }
      case STRING -> {
        StringBuilder text = new StringBuilder();
        while (tokens.current().kind() == Kind.STRING) {
          text.append(tokens.next().text());
        }
        return constant(text.toString());
      }
      case INTEGER -> {
        tokens.next();
        return constant(integer(token));
      }
      case FLOAT -> {
        tokens.next();
        return constant(Double.valueOf(token.text()));
      }
      default -> {
        return collection();
      }
    }
  }

  private Expression name(String name) {
    switch (name) {
      case "true", "True" -> {
        return constant(true);
      }
      case "false", "False" -> {
        return constant(false);
      }
      case "none", "None" -> {
        return constant(None.NONE);
      }
      default -> {
        names.add(name);
        return frame -> frame.get(name);
      }
    }
  }

  private static Expression constant(Object value) {
    return frame -> value;
  }

  private static Object integer(Token token) {
    String digits = token.text();
    if (digits.length() > 2 && Character.isLetter(digits.charAt(1))) {
      int radix = "box".indexOf(Character.toLowerCase(digits.charAt(1)));
      return Numbers.integer(
          new BigInteger(digits.substring(2), radix == 0 ? 2 : radix == 1 ? 8 : 16));
    }
    if (digits.length() > 1000) {
      throw JinjaException.at(token.line(), "a number has more than 1000 digits");
    }
    return Numbers.integer(new BigInteger(digits));
  }

  private Expression collection() {
    if (tokens.skipOperator("(")) {
      Expression result = tuple(true, "");
      tokens.expectOperator(")");
      return result;
    }
    if (tokens.skipOperator("[")) {
      List<Expression> items = new ArrayList<>();
      while (!tokens.skipOperator("]")) {
        if (!items.isEmpty()) {
          tokens.expectOperator(",");
          if (tokens.skipOperator("]")) {
            break;
          }
        }
        items.add(expression());
      }
      return frame -> evaluate(items, frame);
    }
    if (tokens.skipOperator("{")) {
      return map();
    }
    throw tokens.unexpected("a value");
  }

  private static List<Object> evaluate(List<Expression> items, Frame frame) {
    frame.run.budget.elements(items.size());
    List<Object> values = new ArrayList<>(items.size());
    for (Expression item : items) {
      values.add(item.evaluate(frame));
    }
    return values;
  }

  private Expression map() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.skipOperator("}")) {
      if (!keys.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("}")) {
          break;
        }
      }
      keys.add(expression());
      tokens.expectOperator(":");
      values.add(expression());
    }
    return frame -> {
      frame.run.budget.elements(keys.size());
      Map<Object, Object> map = new LinkedHashMap<>();
      for (int i = 0; i < keys.size(); i++) {
        map.put(Mappings.key(keys.get(i).evaluate(frame)), values.get(i).evaluate(frame));
      }
      return map;
    };
  }

  /**
   * Reads one expression, or several with commas as a tuple.
   *
   * @param explicit whether parentheses stand around it; then it may be empty
   * @param end a name that ends it, or ""
   */
  Expression tuple(boolean explicit, String end) {
    List<Expression> items = new ArrayList<>();
    boolean isTuple = false;
    while (!atTupleEnd(end)) {
      items.add(end.isEmpty() ? expression() : or());
      if (!tokens.skipOperator(",")) {
        break;
      }
      isTuple = true;
    }
    if (!isTuple && items.size() == 1) {
      return items.get(0);
    }
    if (items.isEmpty() && !explicit) {
      throw tokens.unexpected("a value");
    }
    return frame -> new Tuple(evaluate(items, frame));
  }

  private boolean atTupleEnd(String end) {
    Token token = tokens.current();
    return token.kind() == Kind.VARIABLE_END
        || token.kind() == Kind.BLOCK_END
        || token.isOperator(")")
        || (!end.isEmpty() && token.isName(end));
  }

  private Expression postfix(Expression of) {
    Expression node = of;
    while (true) {
      Token token = tokens.current();
      if (tokens.skipOperator(".")) {
        node = attribute(token, node);
      } else if (tokens.skipOperator("[")) {
        node = subscript(token, node);
      } else if (token.isOperator("(")) {
        node = call(node);
      } else {
        return node;
      }
    }
  }

  private Expression attribute(Token dot, Expression of) {
    Token name = tokens.next();
    if (name.kind() == Kind.INTEGER) {
      return item(dot, of, constant(integer(name)));
    }
    if (name.kind() != Kind.NAME) {
      throw JinjaException.at(
          name.line(), "expected a name behind the dot, found " + name.describe());
    }
    return frame -> {
      Object value = of.evaluate(frame);
      frame.run.line = dot.line();
      return Attributes.get(value, name.text());
    };
  }

  private static Expression item(Token at, Expression of, Expression key) {
    return frame -> {
      Object value = of.evaluate(frame);
      Object index = key.evaluate(frame);
      frame.run.line = at.line();
      return Sequences.item(frame.run, value, index);
    };
  }

  private Expression subscript(Token bracket, Expression of) {
    Expression start = constant(None.NONE);
    if (!tokens.current().isOperator(":")) {
      start = expression();
      if (tokens.skipOperator("]")) {
        return item(bracket, of, start);
      }
    }
    tokens.expectOperator(":");
    Expression from = start;
    Expression to = bound();
    Expression step = tokens.skipOperator(":") ? bound() : constant(None.NONE);
    tokens.expectOperator("]");
    return frame ->
        Sequences.slice(
            frame.run,
            of.evaluate(frame),
            from.evaluate(frame),
            to.evaluate(frame),
            step.evaluate(frame));
  }

  private Expression bound() {
    boolean absent = tokens.current().isOperator(":") || tokens.current().isOperator("]");
    return absent ? constant(None.NONE) : expression();
  }

  Call call(Expression function) {
    Token token = tokens.current();
    return new Call(token.line(), function, arguments());
  }

  /** Reads arguments in parentheses. */
  ArgumentList arguments() {
    tokens.expectOperator("(");
    ArgumentList.Builder list = new ArgumentList.Builder();
    boolean first = true;
    while (!tokens.skipOperator(")")) {
      if (!first) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(")")) {
          break;
        }
      }
      first = false;
      if (tokens.skipOperator("*")) {
        list.spread(expression());
      } else if (tokens.skipOperator("**")) {
        list.spreadNamed(expression());
      } else if (tokens.current().kind() == Kind.NAME && tokens.look().isOperator("=")) {
        String name = tokens.expectName();
        tokens.next();
        list.named(name, expression());
      } else {
        list.positional(expression(), tokens);
      }
    }
    return list.build();
  }

  private Expression filtersAndTests(Expression of) {
    Expression node = of;
    while (true) {
      Token token = tokens.current();
      if (tokens.skipOperator("|")) {
        node = filter(node);
      } else if (tokens.skipName("is")) {
        node = test(node);
      } else if (token.isOperator("(")) {
        node = call(node);
      } else {
        return node;
      }
    }
  }

  /** Reads the name and arguments of a filter and applies it. */
  Expression filter(Expression value) {
    int line = tokens.current().line();
    String name = dottedName();
    ArgumentList arguments = tokens.current().isOperator("(") ? arguments() : ArgumentList.EMPTY;
    return frame -> {
      Object input = value.evaluate(frame);
      Arguments given = arguments.evaluate(frame);
      frame.run.line = line;
      return Filters.apply(frame.run, name, given.behind(input));
    };
  }

  private String dottedName() {
    StringBuilder name = new StringBuilder(tokens.expectName());
    while (tokens.skipOperator(".")) {
      name.append('.').append(tokens.expectName());
    }
    return name.toString();
  }

  private Expression test(Expression value) {
    int line = tokens.current().line();
    boolean negated = tokens.skipName("not");
    String name = dottedName();
    ArgumentList arguments = ArgumentList.EMPTY;
    Token token = tokens.current();
    if (token.isOperator("(")) {
      arguments = arguments();
    } else if (takesArgument(token)) {
      if (token.isName("is")) {
        throw JinjaException.at(line, "tests cannot be chained with \"is\"");
      }
      arguments = new ArgumentList.Builder().positional(postfix(primary()), tokens).build();
    }
    ArgumentList list = arguments;
    return frame -> {
      Object input = value.evaluate(frame);
      Arguments given = list.evaluate(frame);
      frame.run.line = line;
      return Tests.apply(frame.run, name, given.behind(input)) != negated;
    };
  }

  private static boolean takesArgument(Token token) {
    if (token.kind() == Kind.NAME) {
      return !NO_ARGUMENT.contains(token.text());
    }
    return ARGUMENT.contains(token.kind()) || token.isOperator("[") || token.isOperator("{");
  }
}
