/**
 * Text helpers that several packages share: suggestions for misspelt names, JSON as Python writes
 * it, the terminal.
 */
@NullMarked
package io.github.lora4j.internal.text;

import org.jspecify.annotations.NullMarked;
