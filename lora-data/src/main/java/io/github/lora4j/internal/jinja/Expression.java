package io.github.lora4j.internal.jinja;

/** A part of a template that has a value. */
@FunctionalInterface
interface Expression {

  Object evaluate(Frame frame);
}
