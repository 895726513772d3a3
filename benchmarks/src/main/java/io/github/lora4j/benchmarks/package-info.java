/** JMH benchmarks. */
@NullMarked
package io.github.lora4j.benchmarks;

import org.jspecify.annotations.NullMarked;
