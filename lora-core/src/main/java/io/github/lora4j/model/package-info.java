/**
 * Decoder-only language models: described by a family, loaded from Hugging Face folders, trained
 * and decoded.
 */
@NullMarked
package io.github.lora4j.model;

import org.jspecify.annotations.NullMarked;
