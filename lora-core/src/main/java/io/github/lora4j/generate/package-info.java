/** Text generation: sampling settings, the token loop, stop conditions and streamed text. */
@NullMarked
package io.github.lora4j.generate;

import org.jspecify.annotations.NullMarked;
