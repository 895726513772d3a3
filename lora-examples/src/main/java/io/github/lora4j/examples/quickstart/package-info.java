/** The first fine-tune: measure, train, measure again, save, reload, compare. */
@NullMarked
package io.github.lora4j.examples.quickstart;

import org.jspecify.annotations.NullMarked;
