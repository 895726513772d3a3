package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.tag.Tag;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import java.util.ArrayList;
import java.util.List;

/** A tag that is carried out by us and not by jinjava. */
abstract class TemplateTag implements Tag {

  private static final long serialVersionUID = 1L;

  private static final String OPENING = "([{";
  private static final String CLOSING = ")]}";

  private final String name;

  TemplateTag(String name) {
    this.name = name;
  }

  @Override
  public final String getName() {
    return name;
  }

  @Override
  public final String getEndTagName() {
    return "end" + name;
  }

  @Override
  public final String interpret(TagNode node, JinjavaInterpreter interpreter) {
    Interpreter ours = (Interpreter) interpreter;
    ours.run.budget.step();
    ours.run.line = line(node);
    return carryOut(node, ours);
  }

  /** Returns what the tag writes. */
  abstract String carryOut(TagNode node, Interpreter interpreter);

  /** Returns the expressions in the tag; an error if it is written wrongly. */
  abstract List<String> expressions(TagNode node);

  /** Returns the line where a tag begins; jinjava counts the one where it ends. */
  static int line(Node node) {
    String image = node.getMaster().getImage();
    String body = image.substring(2, Math.max(2, image.length() - 2)).strip();
    return node.getLineNumber() - (int) body.chars().filter(c -> c == '\n').count();
  }

  /**
   * Finds a word outside of texts and brackets.
   *
   * @return where it is, -1 if nowhere
   */
  static int find(String text, String word, int from) {
    int depth = 0;
    char quote = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quote != 0) {
        if (c == '\\') {
          i++;
        } else if (c == quote) {
          quote = 0;
        }
      } else if (depth == 0 && i >= from && text.startsWith(word, i)) {
        return i;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (OPENING.indexOf(c) >= 0) {
        depth++;
      } else if (CLOSING.indexOf(c) >= 0) {
        depth--;
      }
    }
    return -1;
  }

  /** Returns the parts between the commas outside of texts and brackets. */
  static List<String> split(String text) {
    List<String> parts = new ArrayList<>();
    int from = 0;
    for (int at = find(text, ",", 0); at >= 0; at = find(text, ",", from)) {
      parts.add(text.substring(from, at).strip());
      from = at + 1;
    }
    String last = text.substring(from).strip();
    if (!last.isEmpty()) {
      parts.add(last);
    }
    return parts;
  }

  /** Gives each of the names its part of the value. */
  static void assign(Interpreter interpreter, List<String> names, boolean tuple, Object value) {
    if (!tuple) {
      interpreter.getContext().put(names.get(0), value);
      return;
    }
    List<Object> parts = Items.elements(interpreter.run, value);
    if (parts.size() != names.size()) {
      throw JinjaException.of("expected " + names.size() + " values, found " + parts.size());
    }
    for (int i = 0; i < names.size(); i++) {
      interpreter.getContext().put(names.get(i), parts.get(i));
    }
  }

  /** Returns the names to assign to, in parentheses or not. */
  static List<String> names(String text) {
    String inner = text.strip();
    if (inner.startsWith("(") && inner.endsWith(")")) {
      inner = inner.substring(1, inner.length() - 1);
    }
    List<String> names = split(inner);
    for (String name : names) {
      if (!name.matches("[A-Za-z_][A-Za-z_0-9]*")) {
        throw JinjaException.of("expected a name to assign to, found \"" + name + "\"");
      }
    }
    if (names.isEmpty()) {
      throw JinjaException.of("expected a name to assign to");
    }
    return names;
  }
}
