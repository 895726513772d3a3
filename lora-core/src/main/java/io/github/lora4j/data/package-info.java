/** What training consumes: tokenizers, datasets, examples, batches; arrays, never tensors. */
@NullMarked
package io.github.lora4j.data;

import org.jspecify.annotations.NullMarked;
