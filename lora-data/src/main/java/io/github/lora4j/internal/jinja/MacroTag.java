package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.tree.TagNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code macro}, which sets a variable to a {@link Macro}. */
final class MacroTag extends TemplateTag {

  private static final long serialVersionUID = 1L;

  private static final Pattern HEAD = Pattern.compile("(?s)\\s*([A-Za-z_]\\w*)\\s*\\((.*)\\)\\s*");

  MacroTag() {
    super("macro");
  }

  private static Matcher head(TagNode node) {
    Matcher head = HEAD.matcher(node.getHelpers());
    if (!head.matches()) {
      throw JinjaException.of("expected \"macro name(...)\", found \"" + node.getHelpers() + "\"");
    }
    return head;
  }

  private static List<Macro.Parameter> parameters(String text) {
    List<Macro.Parameter> parameters = new ArrayList<>();
    for (String part : split(text)) {
      int at = find(part, "=", 0);
      String name = names(at < 0 ? part : part.substring(0, at)).get(0);
      @Nullable String value = at < 0 ? null : part.substring(at + 1);
      parameters.add(new Macro.Parameter(name, value));
    }
    return parameters;
  }

  @Override
  List<String> expressions(TagNode node) {
    List<String> defaults = new ArrayList<>();
    for (Macro.Parameter parameter : parameters(head(node).group(2))) {
      if (parameter.otherwise() != null) {
        defaults.add(parameter.otherwise());
      }
    }
    return defaults;
  }

  @Override
  String carryOut(TagNode node, Interpreter interpreter) {
    Matcher head = head(node);
    Macro macro =
        new Macro(
            head.group(1),
            parameters(head.group(2)),
            node.getChildren(),
            interpreter.getContext(),
            interpreter);
    interpreter.getContext().put(head.group(1), macro);
    return "";
  }
}
