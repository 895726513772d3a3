package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import jinjava.de.odysseus.el.tree.impl.ast.AstNode;

/** The arguments of a call before they are evaluated. */
record Call(List<AstNode> positional, Map<String, AstNode> named) {

  static final Call EMPTY = new Call(List.of(), Map.of());

  static List<Object> values(List<AstNode> nodes) {
    List<Object> values = new ArrayList<>(nodes.size());
    nodes.forEach(node -> values.add(Computed.value(node)));
    return values;
  }

  /** Returns the arguments, behind those of {@code first}. */
  Arguments arguments(AstNode... first) {
    List<Object> all = values(List.of(first));
    all.addAll(values(positional));
    Map<String, Object> byName = new LinkedHashMap<>();
    named.forEach((name, node) -> byName.put(name, Computed.value(node)));
    return new Arguments(all, byName);
  }
}
