/**
 * The template language of chat templates: Jinja2 as transformers sets it up, and no more of it.
 *
 * <p>A template is parsed once into statements and expressions that carry themselves out. They see
 * only values that were copied on the way in (text, numbers, booleans, lists, maps), so there is no
 * way from a template to Java. Values behave as Python's; {@link
 * io.github.lora4j.internal.jinja.JinjaTemplate} says what is bounded.
 */
@NullMarked
package io.github.lora4j.internal.jinja;

import org.jspecify.annotations.NullMarked;
