/**
 * A sequence classifier: a fresh head and an adapter, trained, measured, saved and loaded again.
 */
@NullMarked
package io.github.lora4j.examples.classify;

import org.jspecify.annotations.NullMarked;
