/** The entry point of the runnable jar. */
@NullMarked
package io.github.lora4j.examples;

import org.jspecify.annotations.NullMarked;
