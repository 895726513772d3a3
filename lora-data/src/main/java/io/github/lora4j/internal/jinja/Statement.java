package io.github.lora4j.internal.jinja;

/** A part of a template that does something. */
@FunctionalInterface
interface Statement {

  /** How the statements around it go on. */
  enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  Flow execute(Frame frame);
}
