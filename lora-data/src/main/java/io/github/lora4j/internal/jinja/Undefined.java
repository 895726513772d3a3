package io.github.lora4j.internal.jinja;

/**
 * What a name, an attribute or an item that does not exist evaluates to: empty text, no elements
 * and false, and an error in any other use.
 *
 * @param problem the message of that error
 */
record Undefined(String problem) {

  static Undefined name(String name) {
    return new Undefined("\"" + name + "\" is undefined");
  }

  static Undefined attribute(Object of, String name) {
    if (of instanceof Undefined undefined) {
      throw undefined.error();
    }
    return new Undefined(Types.name(of) + " has no attribute \"" + name + "\"");
  }

  static Undefined element(Object of, Object key) {
    if (of instanceof Undefined undefined) {
      throw undefined.error();
    }
    return new Undefined(Types.name(of) + " has no element " + Representation.shorten(key));
  }

  JinjaException error() {
    return JinjaException.of(problem);
  }
}
