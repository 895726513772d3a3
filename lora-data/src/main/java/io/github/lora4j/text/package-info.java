/** From text to token ids: tokenizers, prompt templates and encoders of training examples. */
@NullMarked
package io.github.lora4j.text;

import org.jspecify.annotations.NullMarked;
