/** QLoRA: an adapter trained on a base in 4 bits, and merged into the base that isn't quantized. */
@NullMarked
package io.github.lora4j.examples.qlora;

import org.jspecify.annotations.NullMarked;
