/**
 * The parts of decoder-only models: linear layers, norms, rotary embedding, attention, gated MLP,
 * key-value cache.
 */
@NullMarked
package io.github.lora4j.nn;

import org.jspecify.annotations.NullMarked;
