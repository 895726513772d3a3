/** What several tests need: fixtures and comparisons. */
@NullMarked
package io.github.lora4j.testing;

import org.jspecify.annotations.NullMarked;
