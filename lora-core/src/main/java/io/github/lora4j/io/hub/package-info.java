/**
 * Repositories of the Hugging Face hub, downloaded into the cache that Python's huggingface_hub
 * keeps.
 *
 * <p>Nothing here opens a connection unless a caller names a repository.
 */
@NullMarked
package io.github.lora4j.io.hub;

import org.jspecify.annotations.NullMarked;
