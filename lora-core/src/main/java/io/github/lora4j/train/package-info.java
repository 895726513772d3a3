/**
 * The training loop: arguments, learning rate schedules, the optimizer, evaluation, checkpoints and
 * callbacks.
 */
@NullMarked
package io.github.lora4j.train;

import org.jspecify.annotations.NullMarked;
