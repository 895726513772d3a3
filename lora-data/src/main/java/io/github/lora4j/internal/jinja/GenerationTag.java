package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.tree.TagNode;
import java.util.List;

/** Marks what the assistant says, for training; the text is what stands within. */
final class GenerationTag extends TemplateTag {

  private static final long serialVersionUID = 1L;

  GenerationTag() {
    super("generation");
  }

  @Override
  List<String> expressions(TagNode node) {
    return List.of();
  }

  @Override
  String carryOut(TagNode node, Interpreter interpreter) {
    interpreter.enterScope();
    String written = interpreter.render(node.getChildren());
    interpreter.leaveScope();
    return written;
  }
}
