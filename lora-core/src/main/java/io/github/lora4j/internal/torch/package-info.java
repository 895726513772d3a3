/** Start-up of the native libraries. */
@NullMarked
package io.github.lora4j.internal.torch;

import org.jspecify.annotations.NullMarked;
