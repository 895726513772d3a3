/**
 * Chat templates on jinjava: what of Jinja2, as transformers sets it up, jinjava does otherwise.
 *
 * <p>Jinjava splits the template into tags and texts, nests them, keeps scopes and reads the words
 * of expressions. Here stand Python's values and operators, the filters, tests and methods that
 * chat templates use, and the limits for templates that are not trusted. Values are copied on the
 * way in and there is no reflection, so there is no way from a template to Java. What is not known
 * is an error, never another text than Python's.
 */
@NullMarked
package io.github.lora4j.internal.jinja;

import org.jspecify.annotations.NullMarked;
