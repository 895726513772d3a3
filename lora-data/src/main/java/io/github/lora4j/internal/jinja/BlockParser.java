package io.github.lora4j.internal.jinja;

import io.github.lora4j.internal.jinja.Statement.Flow;
import io.github.lora4j.internal.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;

/** Reads assignments, macros and the blocks whose text is put to use. */
final class BlockParser {

  /** The text of a block while filters are applied to it; no template can write this name. */
  private static final String CAPTURED = " captured";

  private final Parser parser;

  BlockParser(Parser parser) {
    this.parser = parser;
  }

  Statement assignment() {
    Target target = parser.target(true);
    if (!parser.tokens.skipOperator("=")) {
      Expression filtered = filters(frame -> frame.get(CAPTURED));
      return captured(filtered, "endset", (frame, value) -> assign(target, frame, value));
    }
    Expression value = parser.expressions.tuple(false, "");
    parser.endTag();
    return frame -> assign(target, frame, value.evaluate(frame));
  }

  private static Flow assign(Target target, Frame frame, Object value) {
    target.assign(frame, value);
    return Flow.NEXT;
  }

  Statement filter() {
    Expression first = parser.expressions.filter(frame -> frame.get(CAPTURED));
    return captured(filters(first), "endfilter", Parser::write);
  }

  private Expression filters(Expression of) {
    Expression value = of;
    while (parser.tokens.skipOperator("|")) {
      value = parser.expressions.filter(value);
    }
    return value;
  }

  private Statement captured(Expression filtered, String end, BiFunction<Frame, Object, Flow> use) {
    List<Statement> body = parser.bodyTo(end);
    return frame -> {
      Frame inside = frame.inner();
      inside.set(CAPTURED, Block.capture(body, frame));
      return use.apply(frame, filtered.evaluate(inside));
    };
  }

  Statement with() {
    List<Target> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (parser.tokens.current().kind() != Kind.BLOCK_END) {
      if (!targets.isEmpty()) {
        parser.tokens.expectOperator(",");
      }
      targets.add(new Target.Name(parser.tokens.expectName()));
      parser.tokens.expectOperator("=");
      values.add(parser.expressions.expression());
    }
    List<Statement> body = parser.bodyTo("endwith");
    return frame -> {
      Frame inside = frame.inner();
      for (int i = 0; i < targets.size(); i++) {
        targets.get(i).assign(inside, values.get(i).evaluate(frame));
      }
      return Block.execute(body, inside);
    };
  }

  /** The block that marks what the assistant says; it only writes its text. */
  Statement generation() {
    List<Statement> body = parser.asFunction(() -> parser.bodyTo("endgeneration"));
    return frame -> Parser.write(frame, Block.capture(body, frame));
  }

  Statement macro() {
    String name = parser.tokens.expectName();
    List<String> parameters = new ArrayList<>();
    List<Expression> defaults = new ArrayList<>();
    parameters(parameters, defaults);
    Definition definition = body(parameters, defaults, "endmacro");
    return frame -> {
      frame.set(name, definition.in(frame, name));
      return Flow.NEXT;
    };
  }

  Statement call() {
    List<String> parameters = new ArrayList<>();
    List<Expression> defaults = new ArrayList<>();
    if (parser.tokens.current().isOperator("(")) {
      parameters(parameters, defaults);
    }
    int line = parser.tokens.current().line();
    if (!(parser.expressions.expression() instanceof Call call)) {
      throw JinjaException.at(line, "{% call %} expects a call");
    }
    Definition definition = body(parameters, defaults, "endcall");
    return frame -> Parser.write(frame, call.evaluate(frame, definition.in(frame, "caller")));
  }

  private record Definition(
      List<String> parameters, List<Expression> defaults, List<Statement> body, Set<String> names) {

    Macro in(Frame frame, String name) {
      return new Macro(name, parameters, defaults, body, names, frame);
    }
  }

  private void parameters(List<String> parameters, List<Expression> defaults) {
    parser.tokens.expectOperator("(");
    while (!parser.tokens.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        parser.tokens.expectOperator(",");
      }
      parameters.add(parser.tokens.expectName());
      if (parser.tokens.skipOperator("=")) {
        defaults.add(parser.expressions.expression());
      } else if (!defaults.isEmpty()) {
        throw parser.tokens.unexpected("a default value, as the parameter before has one");
      }
    }
  }

  private Definition body(List<String> parameters, List<Expression> defaults, String end) {
    Set<String> outer = parser.expressions.names;
    Set<String> inside = new HashSet<>();
    parser.expressions.names = inside;
    List<Statement> body = parser.asFunction(() -> parser.bodyTo(end));
    parser.expressions.names = outer;
    outer.addAll(inside);
    return new Definition(parameters, defaults, body, inside);
  }
}
