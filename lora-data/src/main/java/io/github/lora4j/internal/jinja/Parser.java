package io.github.lora4j.internal.jinja;

import io.github.lora4j.internal.jinja.Statement.Flow;
import io.github.lora4j.internal.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Reads statements: text, output, conditions and loops; {@link BlockParser} reads the others. */
final class Parser {

  final Tokens tokens;
  final ExpressionParser expressions;
  private final BlockParser blocks;
  private boolean inLoop;

  Parser(List<Token> tokens) {
    this.tokens = new Tokens(tokens);
    this.expressions = new ExpressionParser(this.tokens);
    this.blocks = new BlockParser(this);
  }

  List<Statement> template() {
    return body();
  }

  /** Reads statements up to the end or to the name of a tag that ends them. */
  private List<Statement> body(String... ends) {
    List<Statement> statements = new ArrayList<>();
    while (tokens.current().kind() != Kind.END) {
      Token token = tokens.next();
      switch (token.kind()) {
        case DATA -> {
          String text = token.text();
          statements.add(at(token, frame -> write(frame, text)));
        }
        case VARIABLE_BEGIN -> {
          Expression value = expressions.tuple(false, "");
          tokens.expect(Kind.VARIABLE_END, "\"}}\"");
          statements.add(at(token, frame -> write(frame, value.evaluate(frame))));
        }
        default -> {
          Token name = tokens.current();
          if (name.kind() == Kind.NAME && List.of(ends).contains(name.text())) {
            return statements;
          }
          statements.add(at(name, statement()));
        }
      }
    }
    if (ends.length > 0) {
      throw tokens.unexpected("{% " + ends[ends.length - 1] + " %}");
    }
    return statements;
  }

  static Flow write(Frame frame, Object value) {
    frame.write(Representation.text(frame.run.budget, value));
    return Flow.NEXT;
  }

  private static Statement at(Token token, Statement statement) {
    return frame -> {
      frame.run.line = token.line();
      return statement.execute(frame);
    };
  }

  private Statement statement() {
    Token name = tokens.expect(Kind.NAME, "the name of a tag");
    return switch (name.text()) {
      case "if" -> conditional();
      case "for" -> loop();
      case "set" -> blocks.assignment();
      case "macro" -> blocks.macro();
      case "call" -> blocks.call();
      case "filter" -> blocks.filter();
      case "with" -> blocks.with();
      case "generation" -> blocks.generation();
      case "break" -> leave(name, Flow.BREAK);
      case "continue" -> leave(name, Flow.CONTINUE);
      default ->
          throw JinjaException.at(
              name.line(), "the tag \"" + name.text() + "\" is unknown or in a wrong place");
    };
  }

  void endTag() {
    tokens.expect(Kind.BLOCK_END, "\"%}\"");
  }

  /** Reads the rest of a tag, its body and the tag that ends it. */
  List<Statement> bodyTo(String end) {
    endTag();
    List<Statement> body = body(end);
    tokens.next();
    endTag();
    return body;
  }

  /** Reads what is a function of its own: a loop around it cannot be left from there. */
  <T> T asFunction(Supplier<T> read) {
    boolean outer = inLoop;
    inLoop = false;
    T result = read.get();
    inLoop = outer;
    return result;
  }

  private Statement conditional() {
    Expression test = expressions.tuple(false, "");
    endTag();
    List<Statement> then = body("elif", "else", "endif");
    Token end = tokens.next();
    List<Statement> otherwise;
    if (end.isName("elif")) {
      otherwise = List.of(at(end, conditional()));
    } else {
      otherwise = end.isName("else") ? bodyTo("endif") : nothingMore();
    }
    return frame -> Block.execute(Types.isTrue(test.evaluate(frame)) ? then : otherwise, frame);
  }

  private List<Statement> nothingMore() {
    endTag();
    return List.of();
  }

  private Statement loop() {
    Target target = target(false);
    if (!tokens.skipName("in")) {
      throw tokens.unexpected("\"in\"");
    }
    Expression elements = expressions.tuple(false, "recursive");
    Expression test = tokens.skipName("if") ? expressions.expression() : null;
    if (tokens.current().isName("recursive")) {
      throw JinjaException.at(tokens.current().line(), "recursive loops are not supported");
    }
    endTag();
    boolean outer = inLoop;
    inLoop = true;
    List<Statement> body = body("else", "endfor");
    inLoop = outer;
    List<Statement> otherwise = tokens.next().isName("else") ? bodyTo("endfor") : nothingMore();
    return new LoopStatement(target, elements, test, body, otherwise);
  }

  private Statement leave(Token name, Flow flow) {
    if (!inLoop) {
      throw JinjaException.at(name.line(), "\"" + name.text() + "\" stands outside of a loop");
    }
    endTag();
    return frame -> flow;
  }

  /** Reads what is assigned to: a name, several, or with {@code attributes} a namespace's. */
  Target target(boolean attributes) {
    List<Target> targets = new ArrayList<>();
    boolean several = false;
    while (targets.isEmpty() || atTarget()) {
      targets.add(oneTarget(attributes));
      if (!tokens.skipOperator(",")) {
        break;
      }
      several = true;
    }
    return several ? new Target.Several(targets) : targets.get(0);
  }

  private boolean atTarget() {
    Token token = tokens.current();
    return token.isOperator("(") || (token.kind() == Kind.NAME && !token.isName("in"));
  }

  private Target oneTarget(boolean attributes) {
    if (tokens.skipOperator("(")) {
      Target inside = target(attributes);
      tokens.expectOperator(")");
      return inside;
    }
    String name = tokens.expectName();
    return attributes && tokens.skipOperator(".")
        ? new Target.Attribute(name, tokens.expectName())
        : new Target.Name(name);
  }
}
