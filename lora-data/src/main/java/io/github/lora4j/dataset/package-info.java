/** Data files: rows of named columns that know the file and line they came from. */
@NullMarked
package io.github.lora4j.dataset;

import org.jspecify.annotations.NullMarked;
