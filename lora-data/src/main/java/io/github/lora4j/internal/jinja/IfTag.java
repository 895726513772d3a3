package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.lib.tag.ElseIfTag;
import com.hubspot.jinjava.lib.tag.ElseTag;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import java.util.ArrayList;
import java.util.List;

/** {@code if}, whose conditions are true when Python's are. */
final class IfTag extends TemplateTag {

  private static final long serialVersionUID = 1L;

  IfTag() {
    super("if");
  }

  @Override
  List<String> expressions(TagNode node) {
    return List.of(node.getHelpers());
  }

  @Override
  String carryOut(TagNode node, Interpreter interpreter) {
    boolean chosen = Types.isTrue(interpreter.value(node.getHelpers()));
    List<Node> body = new ArrayList<>();
    for (Node child : node.getChildren()) {
      if (child instanceof TagNode tag && branches(tag)) {
        if (chosen) {
          break;
        }
        interpreter.run.line = line(tag);
        chosen =
            tag.getTag() instanceof ElseTag || Types.isTrue(interpreter.value(tag.getHelpers()));
      } else if (chosen) {
        body.add(child);
      }
    }
    return interpreter.render(body);
  }

  private static boolean branches(TagNode tag) {
    return tag.getTag() instanceof ElseTag || tag.getTag() instanceof ElseIfTag;
  }
}
