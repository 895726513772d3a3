/** LoRA adapters: their configuration, the layers they decorate, and PEFT's adapter files. */
@NullMarked
package io.github.lora4j.peft;

import org.jspecify.annotations.NullMarked;
