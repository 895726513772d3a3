package io.github.lora4j.internal.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The variables of a block and where its output goes; the blocks around it are its parents. */
final class Frame {

  final Run run;
  private final @Nullable Frame parent;
  private final Map<String, Object> variables;
  private final StringBuilder output;

  private Frame(
      Run run, @Nullable Frame parent, Map<String, Object> variables, StringBuilder output) {
    this.run = run;
    this.parent = parent;
    this.variables = variables;
    this.output = output;
  }

  static Frame root(Run run, Map<String, Object> variables) {
    return new Frame(run, null, variables, new StringBuilder());
  }

  /** Returns a frame within this one that writes to the same output. */
  Frame inner() {
    return new Frame(run, this, new HashMap<>(), output);
  }

  /** Returns a frame within this one whose output is kept apart. */
  Frame capture() {
    return new Frame(run, this, new HashMap<>(), new StringBuilder());
  }

  Object get(String name) {
    for (Frame frame = this; frame != null; frame = frame.parent) {
      Object value = frame.variables.get(name);
      if (value != null) {
        return value;
      }
    }
    Function global = Globals.get(name);
    return global == null ? Undefined.name(name) : global;
  }

  void set(String name, Object value) {
    variables.put(name, value);
  }

  void write(String text) {
    run.budget.write(text.length());
    output.append(text);
  }

  String output() {
    return output.toString();
  }
}
