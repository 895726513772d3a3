/** The optimizers of bitsandbytes: AdamW and Lion with 8-bit or float32 states, paged or not. */
@NullMarked
package io.github.lora4j.quant.optim;

import org.jspecify.annotations.NullMarked;
