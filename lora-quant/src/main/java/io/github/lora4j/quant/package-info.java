/** 4-bit and 8-bit base models. */
@NullMarked
package io.github.lora4j.quant;

import org.jspecify.annotations.NullMarked;
