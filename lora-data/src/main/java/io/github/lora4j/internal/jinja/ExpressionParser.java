package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.el.ext.CollectionMembershipOperator;
import com.hubspot.jinjava.el.ext.ExtendedParser;
import com.hubspot.jinjava.el.ext.StringConcatOperator;
import com.hubspot.jinjava.el.ext.TruncDivOperator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import jinjava.de.odysseus.el.tree.impl.Builder;
import jinjava.de.odysseus.el.tree.impl.Parser;
import jinjava.de.odysseus.el.tree.impl.Scanner.ScanException;
import jinjava.de.odysseus.el.tree.impl.Scanner.Symbol;
import jinjava.de.odysseus.el.tree.impl.ast.AstNode;
import jinjava.de.odysseus.el.tree.impl.ast.AstNull;
import jinjava.de.odysseus.el.tree.impl.ast.AstString;
import org.jspecify.annotations.Nullable;

/**
 * Jinja's grammar of expressions on jinjava's scanner.
 *
 * <p>Jinjava's own grammar lets {@code not} bind tighter than {@code is}, knows no steps of slices,
 * and evaluates as the expression language of Java servers does; so the levels stand here again.
 */
final class ExpressionParser extends ExtendedParser {

  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> NO_ARGUMENT =
      Set.of("is", "and", "or", "not", "if", "else", "in");

  private static final Set<Symbol> LITERALS =
      Set.of(Symbol.STRING, Symbol.INTEGER, Symbol.FLOAT, Symbol.TRUE, Symbol.FALSE, Symbol.LBRACK);

  private ExpressionParser(Builder builder, String input) {
    super(builder, input);
  }

  /** Makes parsers. */
  static final class Source extends Builder {

    private static final long serialVersionUID = 1L;

    Source() {
      super();
    }

    @Override
    protected Parser createParser(String expression) {
      return new ExpressionParser(this, expression);
    }
  }

  private boolean at(String image) {
    return getToken().getSymbol() != Symbol.STRING && image.equals(getToken().getImage());
  }

  private boolean skip(String image) throws ScanException, ParseException {
    if (!at(image)) {
      return false;
    }
    consumeToken();
    return true;
  }

  private void expect(String image) throws ScanException, ParseException {
    if (!skip(image)) {
      throw found("\"" + image + "\"");
    }
  }

  private JinjaException found(String expected) {
    String image = getToken().getImage();
    boolean end = getToken().getSymbol() == Symbol.END_EVAL || getToken().getSymbol() == Symbol.EOF;
    return JinjaException.of(
        "expected " + expected + ", found " + (end ? "the end of the tag" : "\"" + image + "\""));
  }

  /** The whole of a tag: a list without brackets is a tuple. */
  @Override
  protected AstNode expr(boolean required) throws ScanException, ParseException {
    AstNode first = expression();
    if (!at(",")) {
      return first;
    }
    List<AstNode> items = new ArrayList<>(List.of(first));
    while (skip(",") && getToken().getSymbol() != Symbol.END_EVAL) {
      items.add(expression());
    }
    return new Computed(() -> new Tuple(Call.values(items)));
  }

  private AstNode expression() throws ScanException, ParseException {
    AstNode value = or(true);
    while (skip("if")) {
      AstNode chosen = value;
      AstNode condition = or(true);
      AstNode other = skip("else") ? expression() : null;
      value =
          new Computed(
              () ->
                  Types.isTrue(Computed.value(condition))
                      ? Computed.value(chosen)
                      : other == null
                          ? new Undefined("an \"if\" without \"else\" gave no value")
                          : Computed.value(other));
    }
    return value;
  }

  @Override
  protected AstNode or(boolean required) throws ScanException, ParseException {
    AstNode value = and(true);
    while (skip("or")) {
      AstNode left = value;
      AstNode right = and(true);
      value =
          new Computed(
              () -> {
                Object first = Computed.value(left);
                return Types.isTrue(first) ? first : Computed.value(right);
              });
    }
    return value;
  }

  @Override
  protected AstNode and(boolean required) throws ScanException, ParseException {
    AstNode value = not();
    while (skip("and")) {
      AstNode left = value;
      AstNode right = not();
      value =
          new Computed(
              () -> {
                Object first = Computed.value(left);
                return Types.isTrue(first) ? Computed.value(right) : first;
              });
    }
    return value;
  }

  private AstNode not() throws ScanException, ParseException {
    if (!skip("not")) {
      return comparison();
    }
    AstNode value = not();
    return new Computed(() -> !Types.isTrue(Computed.value(value)));
  }

  /** Chains as Python does: {@code a < b < c} compares both pairs. */
  private AstNode comparison() throws ScanException, ParseException {
    List<AstNode> values = new ArrayList<>(List.of(add(true)));
    List<String> operators = new ArrayList<>();
    while (true) {
      if (getToken().getSymbol() != Symbol.STRING && COMPARISONS.contains(getToken().getImage())) {
        operators.add(consumeToken().getImage());
      } else if (at("not") && lookahead(0).getImage().equals("in")) {
        consumeToken();
        consumeToken();
        operators.add("not in");
      } else if (getToken() == CollectionMembershipOperator.TOKEN) {
        consumeToken();
        operators.add("in");
      } else {
        return operators.isEmpty() ? values.get(0) : chain(values, operators);
      }
      values.add(add(true));
    }
  }

  private static AstNode chain(List<AstNode> values, List<String> operators) {
    return new Computed(
        () -> {
          Object left = Computed.value(values.get(0));
          for (int i = 0; i < operators.size(); i++) {
            Object right = Computed.value(values.get(i + 1));
            if (!Comparison.test(operators.get(i), Run.current(), left, right)) {
              return false;
            }
            left = right;
          }
          return true;
        });
  }

  private AstNode binary(String operator, AstNode left, AstNode right) {
    return new Computed(
        () ->
            Operators.binary(operator, Run.current(), Computed.value(left), Computed.value(right)));
  }

  @Override
  protected AstNode add(boolean required) throws ScanException, ParseException {
    AstNode value = concatenation();
    while (at("+") || at("-")) {
      value = binary(consumeToken().getImage(), value, concatenation());
    }
    return value;
  }

  private AstNode concatenation() throws ScanException, ParseException {
    AstNode value = mul(true);
    while (getToken() == StringConcatOperator.TOKEN) {
      consumeToken();
      value = binary("~", value, mul(true));
    }
    return value;
  }

  @Override
  protected AstNode mul(boolean required) throws ScanException, ParseException {
    AstNode value = unary(true);
    while (at("*") || at("/") || at("%") || getToken() == TruncDivOperator.TOKEN) {
      value = binary(consumeToken().getImage(), value, unary(true));
    }
    return value;
  }

  @Override
  protected AstNode unary(boolean required) throws ScanException, ParseException {
    return filtered(sign());
  }

  private AstNode sign() throws ScanException, ParseException {
    if (skip("-")) {
      AstNode value = sign();
      return new Computed(() -> Operators.negative(Computed.value(value)));
    }
    return value();
  }

  private AstNode filtered(AstNode first) throws ScanException, ParseException {
    AstNode value = first;
    while (true) {
      AstNode input = value;
      if (skip("|")) {
        String name = consumeToken().getImage();
        Filters.Filter filter = Filters.get(name);
        Call call = at("(") ? call() : Call.EMPTY;
        value = new Computed(() -> filter.apply(Run.current(), call.arguments(input)));
      } else if (skip("is")) {
        boolean wanted = !skip("not");
        String name = Tests.check(consumeToken().getImage());
        Call call = testArguments();
        value =
            new Computed(() -> Tests.apply(Run.current(), name, call.arguments(input)) == wanted);
      } else {
        return value;
      }
    }
  }

  private Call testArguments() throws ScanException, ParseException {
    if (at("(")) {
      return call();
    }
    Symbol next = getToken().getSymbol();
    boolean name = next == Symbol.IDENTIFIER && !NO_ARGUMENT.contains(getToken().getImage());
    boolean literal = LITERALS.contains(next);
    return name || literal ? new Call(List.of(value()), Map.of()) : Call.EMPTY;
  }

  /** Arguments in parentheses. */
  private Call call() throws ScanException, ParseException {
    expect("(");
    List<AstNode> positional = new ArrayList<>();
    Map<String, AstNode> named = new LinkedHashMap<>();
    while (!at(")")) {
      if (getToken().getSymbol() == Symbol.IDENTIFIER && lookahead(0).getImage().equals("=")) {
        String name = consumeToken().getImage();
        consumeToken();
        named.put(name, expression());
      } else if (named.isEmpty()) {
        positional.add(expression());
      } else {
        throw found("a named argument");
      }
      if (!skip(",") && !at(")")) {
        throw found("\",\" or \")\"");
      }
    }
    consumeToken();
    return new Call(positional, named);
  }

  @Override
  protected AstNode value() throws ScanException, ParseException {
    AstNode value = primary();
    while (true) {
      if (at(".")) {
        consumeToken();
        AstNode base = value;
        boolean index = getToken().getSymbol() == Symbol.INTEGER;
        String name = consumeToken().getImage();
        if (at("(")) {
          Call call = call();
          value =
              new Computed(
                  () -> Methods.call(Run.current(), Computed.value(base), name, call.arguments()));
        } else if (index) {
          Object key = Long.valueOf(name);
          value = new Computed(() -> Items.get(Run.current(), Computed.value(base), key));
        } else {
          value = new Computed(() -> Items.attribute(Computed.value(base), name));
        }
      } else if (at("[")) {
        value = subscript(value);
      } else {
        return value;
      }
    }
  }

  private AstNode subscript(AstNode base) throws ScanException, ParseException {
    expect("[");
    @Nullable AstNode[] parts = new @Nullable AstNode[3];
    int colons = 0;
    while (!at("]")) {
      if (skip(":")) {
        colons++;
      } else {
        parts[colons] = expression();
        if (!at(":") && !at("]")) {
          throw found("\"]\"");
        }
      }
    }
    consumeToken();
    AstNode key = parts[0];
    if (colons == 0) {
      if (key == null) {
        throw found("an index");
      }
      return new Computed(
          () -> Items.get(Run.current(), Computed.value(base), Computed.value(key)));
    }
    return new Computed(
        () -> {
          Object[] bounds =
              Arrays.stream(parts).map(p -> p == null ? None.NONE : Computed.value(p)).toArray();
          return Items.slice(Run.current(), Computed.value(base), bounds[0], bounds[1], bounds[2]);
        });
  }

  private AstNode primary() throws ScanException, ParseException {
    if (getToken().getSymbol() == Symbol.IDENTIFIER) {
      return name(consumeToken().getImage());
    }
    if (at("(")) {
      return parentheses();
    }
    if (at("[")) {
      List<AstNode> items = elements("[", "]");
      return new Computed(() -> new ArrayList<>(Call.values(items)));
    }
    if (at("{")) {
      return dictionary();
    }
    AstNode literal = literal();
    if (literal == null || literal instanceof AstNull) {
      throw found("a value");
    }
    if (literal instanceof AstString) {
      AstNode text = literal;
      while (getToken().getSymbol() == Symbol.STRING) {
        text = binary("~", text, literal());
      }
      return text;
    }
    return new Computed(() -> Computed.value(literal));
  }

  private AstNode name(String name) throws ScanException, ParseException {
    if (name.equals("none") || name.equals("None")) {
      return new Computed(() -> None.NONE);
    }
    if (at("(")) {
      Call call = call();
      return new Computed(() -> Functions.call(Run.current(), name, call.arguments()));
    }
    return new Computed(() -> Run.current().variable(name));
  }

  private AstNode parentheses() throws ScanException, ParseException {
    expect("(");
    List<AstNode> items = new ArrayList<>();
    boolean tuple = false;
    while (!at(")")) {
      items.add(expression());
      if (!skip(",")) {
        break;
      }
      tuple = true;
    }
    expect(")");
    if (items.size() == 1 && !tuple) {
      return items.get(0);
    }
    return new Computed(() -> new Tuple(Call.values(items)));
  }

  private List<AstNode> elements(String open, String close) throws ScanException, ParseException {
    expect(open);
    List<AstNode> items = new ArrayList<>();
    while (!at(close)) {
      items.add(expression());
      if (!skip(",")) {
        break;
      }
    }
    expect(close);
    return items;
  }

  private AstNode dictionary() throws ScanException, ParseException {
    expect("{");
    Map<AstNode, AstNode> items = new LinkedHashMap<>();
    while (!at("}")) {
      AstNode key = expression();
      expect(":");
      items.put(key, expression());
      if (!skip(",")) {
        break;
      }
    }
    expect("}");
    return new Computed(
        () -> {
          Map<String, Object> values = new LinkedHashMap<>();
          items.forEach(
              (k, v) -> values.put(Types.text("a key", Computed.value(k)), Computed.value(v)));
          return values;
        });
  }
}
