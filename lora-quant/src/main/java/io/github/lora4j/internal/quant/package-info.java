/** Blockwise 4-bit and 8-bit codes as bitsandbytes stores them, and the kernels that make them. */
@NullMarked
package io.github.lora4j.internal.quant;

import org.jspecify.annotations.NullMarked;
