package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.tag.BreakTag;
import com.hubspot.jinjava.lib.tag.ContinueTag;
import com.hubspot.jinjava.lib.tag.ElseIfTag;
import com.hubspot.jinjava.lib.tag.ElseTag;
import com.hubspot.jinjava.lib.tag.Tag;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import com.hubspot.jinjava.tree.parse.ExpressionToken;
import java.util.List;
import java.util.Map;
import jinjava.de.odysseus.el.tree.ExpressionNode;
import jinjava.de.odysseus.el.tree.TreeBuilderException;
import jinjava.de.odysseus.el.tree.TreeStore;
import jinjava.de.odysseus.el.tree.impl.Cache;

/**
 * Jinjava with Jinja's expressions and the tags of chat templates.
 *
 * <p>Jinjava finds methods of Java by reflection and interprets what a variable holds once more.
 * Neither is left: expressions are evaluated by {@link ExpressionParser}'s nodes alone, and nested
 * interpretation is off.
 */
final class Engine extends Jinjava {

  private static final int CACHED_EXPRESSIONS = 1000;

  private final TreeStore expressions =
      new TreeStore(new ExpressionParser.Source(), new Cache(CACHED_EXPRESSIONS));

  Engine() {
    super(
        JinjavaConfig.newBuilder()
            .withLegacyOverrides(LegacyOverrides.ALL)
            .withKeepTrailingNewline(true)
            .withNestedInterpretationEnabled(false)
            .withMaxOutputSize(Budget.MAX_TEXT)
            .build());
    for (Tag tag :
        List.of(new ForTag(), new IfTag(), new SetTag(), new MacroTag(), new GenerationTag())) {
      getGlobalContext().registerTag(tag);
    }
  }

  Interpreter interpreter(Run run, Context parent) {
    return new Interpreter(this, new Context(parent, Map.of()), run);
  }

  /** Parses a template, with all its expressions. */
  Node parse(String template, Run run) {
    try (var current = JinjavaInterpreter.closeablePushCurrent(run.interpreter).get()) {
      Node root = current.value().parse(template);
      check(root, run);
      return root;
    }
  }

  private void check(Node node, Run run) {
    for (Node child : node.getChildren()) {
      if (child instanceof com.hubspot.jinjava.tree.ExpressionNode) {
        String expression = ((ExpressionToken) child.getMaster()).getExpr();
        run.line = TemplateTag.line(child);
        expression(expression);
      } else if (child instanceof TagNode tag) {
        run.line = TemplateTag.line(child);
        expressions(tag).forEach(this::expression);
      }
      check(child, run);
    }
  }

  /** Returns what evaluates an expression. */
  ExpressionNode expression(String text) {
    try {
      return expressions.get("#{" + text.strip() + "}").getRoot();
    } catch (TreeBuilderException e) {
      throw JinjaException.of("cannot read \"" + text.strip() + "\": " + e.getMessage());
    }
  }

  private static List<String> expressions(TagNode node) {
    Tag tag = node.getTag();
    if (tag instanceof TemplateTag own) {
      return own.expressions(node);
    }
    if (tag instanceof ElseIfTag) {
      return List.of(node.getHelpers());
    }
    if (tag instanceof ElseTag || tag instanceof BreakTag || tag instanceof ContinueTag) {
      return List.of();
    }
    throw JinjaException.of("the tag \"" + node.getName() + "\" is not supported");
  }
}
