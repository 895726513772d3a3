/** A small world of real places: what is true of them, texts about it, and a question to learn. */
@NullMarked
package io.github.lora4j.examples.world;

import org.jspecify.annotations.NullMarked;
