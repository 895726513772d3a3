/**
 * Base models in 4 and 8 bits, as bitsandbytes has them: how they are configured, loaded, computed
 * with and saved.
 *
 * <p>With this module on the class path, quantized checkpoints load without further arguments.
 */
@NullMarked
package io.github.lora4j.quant;

import org.jspecify.annotations.NullMarked;
