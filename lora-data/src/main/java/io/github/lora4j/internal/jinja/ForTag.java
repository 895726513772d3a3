package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.lib.tag.ElseTag;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code for}, with conditions and {@code else}, over whatever Python goes through. */
final class ForTag extends TemplateTag {

  private static final long serialVersionUID = 1L;

  ForTag() {
    super("for");
  }

  /** What stands in the tag: {@code names in items if condition}. */
  private record Head(List<String> names, boolean tuple, String items, @Nullable String condition) {

    static Head of(TagNode node) {
      String text = node.getHelpers().strip().replaceAll("\\s+", " ");
      int in = find(text, " in ", 0);
      if (in < 0) {
        throw JinjaException.of("expected \"for ... in ...\", found \"for " + text + "\"");
      }
      String target = text.substring(0, in);
      int condition = find(text, " if ", in + 4);
      String items = text.substring(in + 4, condition < 0 ? text.length() : condition);
      if (find(items + " ", " recursive ", 0) >= 0) {
        throw JinjaException.of("recursive loops are not supported");
      }
      return new Head(
          TemplateTag.names(target),
          target.contains(","),
          items,
          condition < 0 ? null : text.substring(condition + 4));
    }
  }

  @Override
  List<String> expressions(TagNode node) {
    Head head = Head.of(node);
    return head.condition == null ? List.of(head.items) : List.of(head.items, head.condition);
  }

  @Override
  String carryOut(TagNode node, Interpreter interpreter) {
    Head head = Head.of(node);
    List<Object> items = Items.elements(interpreter.run, interpreter.value(head.items));
    if (head.condition != null) {
      items.removeIf(
          item -> {
            interpreter.enterScope();
            assign(interpreter, head.names, head.tuple, item);
            boolean kept = Types.isTrue(interpreter.value(head.condition));
            interpreter.leaveScope();
            return !kept;
          });
    }
    List<Node> body = new ArrayList<>();
    List<Node> otherwise = new ArrayList<>();
    List<Node> part = body;
    for (Node child : node.getChildren()) {
      if (child instanceof TagNode tag && tag.getTag() instanceof ElseTag) {
        part = otherwise;
      } else {
        part.add(child);
      }
    }
    if (items.isEmpty()) {
      return interpreter.render(otherwise);
    }
    Loop loop = new Loop(items);
    StringBuilder result = new StringBuilder();
    while (loop.hasNext()) {
      Object item = loop.next();
      interpreter.enterScope();
      interpreter.run.budget.step();
      interpreter.getContext().put("loop", loop);
      assign(interpreter, head.names, head.tuple, item);
      result.append(interpreter.render(body));
      // An error ends the rendering, so that no scope needs to be left then.
      interpreter.leaveScope();
      interpreter.run.budget.characters(result.length() > Budget.MAX_TEXT ? result.length() : 1);
    }
    return result.toString();
  }
}
