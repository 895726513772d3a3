package io.github.lora4j.internal.jinja;

/** Something a template can call: a macro, a method, a global function, a filter. */
@FunctionalInterface
interface Function {

  Object call(Run run, Arguments arguments);
}
