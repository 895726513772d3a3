package io.github.lora4j.internal.jinja;

import java.util.List;

/** What a loop or {@code set} assigns to. */
sealed interface Target {

  void assign(Frame frame, Object value);

  /** A variable. */
  record Name(String name) implements Target {
    @Override
    public void assign(Frame frame, Object value) {
      frame.set(name, value);
    }
  }

  /** An attribute of a namespace. */
  record Attribute(String namespace, String name) implements Target {
    @Override
    public void assign(Frame frame, Object value) {
      if (!(frame.get(namespace) instanceof Namespace target)) {
        throw JinjaException.of("only a namespace has attributes to set: \"" + namespace + "\"");
      }
      target.attributes.put(name, value);
    }
  }

  /** Several, for the elements of what is assigned. */
  record Several(List<Target> targets) implements Target {
    @Override
    public void assign(Frame frame, Object value) {
      List<Object> elements = Sequences.elements(frame.run, value);
      if (value instanceof Undefined || elements.size() != targets.size()) {
        throw JinjaException.of(
            "expected " + targets.size() + " values to assign, found " + elements.size());
      }
      for (int i = 0; i < targets.size(); i++) {
        targets.get(i).assign(frame, elements.get(i));
      }
    }
  }
}
