/**
 * Errors that a user can mend: each message says what, where, expected and found, and the next
 * step.
 */
@NullMarked
package io.github.lora4j.error;

import org.jspecify.annotations.NullMarked;
