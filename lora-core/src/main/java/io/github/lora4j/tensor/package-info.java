/**
 * Tensors of libtorch behind a Java face: shapes, dtypes, devices, the operations in use, and who
 * frees what.
 *
 * <p>Together with {@code io.github.lora4j.internal.torch} this is the only package that knows the
 * native bindings.
 */
@NullMarked
package io.github.lora4j.tensor;

import org.jspecify.annotations.NullMarked;
