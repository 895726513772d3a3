/** SafeTensors files and sharded checkpoints: read without a copy, written atomically. */
@NullMarked
package io.github.lora4j.io;

import org.jspecify.annotations.NullMarked;
