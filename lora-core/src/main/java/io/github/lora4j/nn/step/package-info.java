/**
 * One decoding step by several threads: each layer's part of it that one thread computes. Not for
 * users: layers offer it, the decoding session runs it.
 */
@NullMarked
package io.github.lora4j.nn.step;

import org.jspecify.annotations.NullMarked;
