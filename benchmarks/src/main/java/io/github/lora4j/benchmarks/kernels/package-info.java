/** JMH benchmarks of single kernels, each beside the limit that the machine sets it. */
@NullMarked
package io.github.lora4j.benchmarks.kernels;

import org.jspecify.annotations.NullMarked;
