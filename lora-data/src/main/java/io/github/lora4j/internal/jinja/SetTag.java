package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.lib.tag.FlexibleTag;
import com.hubspot.jinjava.tree.TagNode;
import com.hubspot.jinjava.tree.parse.TagToken;
import java.util.List;

/** {@code set} with a value, or with a block that writes it. */
final class SetTag extends TemplateTag implements FlexibleTag {

  private static final long serialVersionUID = 1L;

  SetTag() {
    super("set");
  }

  @Override
  public boolean hasEndTag(TagToken token) {
    return equals(token.getHelpers()) < 0;
  }

  /** Returns where the sign of the assignment stands; a target holds no other. */
  private static int equals(String text) {
    int filter = find(text, "|", 0);
    int at = find(text, "=", 0);
    return filter >= 0 && filter < at ? -1 : at;
  }

  @Override
  List<String> expressions(TagNode node) {
    String text = node.getHelpers();
    int at = equals(text);
    if (at < 0) {
      int filter = find(text, "|", 0);
      names(filter < 0 ? text : text.substring(0, filter));
      return filter < 0 ? List.of() : List.of("''" + text.substring(filter));
    }
    String target = text.substring(0, at).strip();
    if (!target.matches("[A-Za-z_]\\w*\\.[A-Za-z_]\\w*")) {
      names(target);
    }
    return List.of(text.substring(at + 1));
  }

  @Override
  String carryOut(TagNode node, Interpreter interpreter) {
    String text = node.getHelpers();
    int at = equals(text);
    if (at < 0) {
      block(node, interpreter);
      return "";
    }
    Object value = interpreter.value(text.substring(at + 1));
    String target = text.substring(0, at).strip();
    int dot = target.indexOf('.');
    if (dot < 0) {
      assign(interpreter, names(target), target.contains(","), value);
    } else if (interpreter.run.variable(target.substring(0, dot)) instanceof Namespace namespace) {
      namespace.attributes.put(target.substring(dot + 1), value);
    } else {
      throw JinjaException.of("only attributes of a namespace can be set, found " + target);
    }
    return "";
  }

  private static void block(TagNode node, Interpreter interpreter) {
    String text = node.getHelpers();
    int filter = find(text, "|", 0);
    String name = names(filter < 0 ? text : text.substring(0, filter)).get(0);
    interpreter.enterScope();
    String written = interpreter.render(node.getChildren());
    interpreter.leaveScope();
    interpreter.getContext().put(name, written);
    if (filter >= 0) {
      interpreter.getContext().put(name, interpreter.value(text));
    }
  }
}
