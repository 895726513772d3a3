/**
 * The place of 4-bit and 8-bit base models.
 *
 * <p>Nothing is built yet; loading a quantized checkpoint is refused with an error that says so.
 */
@NullMarked
package io.github.lora4j.quant;

import org.jspecify.annotations.NullMarked;
