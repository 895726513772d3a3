/** The command line's commands: each a thin layer over the library's public API. */
@NullMarked
package io.github.lora4j.examples.cli;

import org.jspecify.annotations.NullMarked;
