package io.github.lora4j.internal.jinja;

import java.util.function.Supplier;
import jinjava.de.odysseus.el.tree.Bindings;
import jinjava.de.odysseus.el.tree.impl.ast.AstNode;
import jinjava.de.odysseus.el.tree.impl.ast.AstRightValue;
import jinjava.javax.el.ELContext;
import org.jspecify.annotations.Nullable;

/** A node of an expression that needs nothing of the expression language of Java servers. */
final class Computed extends AstRightValue {

  private final Supplier<Object> step;

  Computed(Supplier<Object> step) {
    this.step = step;
  }

  /** Evaluates one of our nodes, or a literal. */
  static Object value(AstNode node) {
    return node.eval(null, null);
  }

  @Override
  public Object eval(@Nullable Bindings bindings, @Nullable ELContext context) {
    return step.get();
  }

  @Override
  public void appendStructure(StringBuilder builder, Bindings bindings) {
    builder.append("...");
  }

  @Override
  public int getCardinality() {
    return 0;
  }

  @Override
  public AstNode getChild(int index) {
    throw new IndexOutOfBoundsException(index);
  }
}
