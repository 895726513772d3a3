/** A trainer of byte-level BPE vocabularies that writes Hugging Face tokenizer files. */
@NullMarked
package io.github.lora4j.examples.tokenizer;

import org.jspecify.annotations.NullMarked;
