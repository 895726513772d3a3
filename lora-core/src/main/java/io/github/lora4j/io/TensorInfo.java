package io.github.lora4j.io;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.tensor.DType;
import java.nio.file.Path;
import java.util.List;

/**
 * What a SafeTensors header says of one tensor; the reader has checked all of it against the file.
 *
 * @param name the tensor's name
 * @param file the file that holds it
 * @param dtypeName the element type's name in the file; may be one that {@link DType} lacks
 * @param shape the sizes of the dimensions; empty for a scalar
 * @param byteOffset where the data begin, counted from the start of the file
 * @param byteSize how many bytes they take
 */
public record TensorInfo(
    String name, Path file, String dtypeName, List<Long> shape, long byteOffset, long byteSize) {

  /**
   * Checks that no number is negative, and copies the shape.
   *
   * @throws IllegalArgumentException if a size or an offset is negative
   */
  public TensorInfo {
    shape = List.copyOf(shape);
    if (byteOffset < 0 || byteSize < 0 || shape.stream().anyMatch(size -> size < 0)) {
      throw new IllegalArgumentException(
          "tensor %s: negative number in shape %s, byteOffset %d or byteSize %d"
              .formatted(Quoted.of(name), shape, byteOffset, byteSize));
    }
  }

  /**
   * The element type.
   *
   * @throws CheckpointFormatException if it is one that LoRA4J has no tensors of
   */
  public DType dtype() {
    for (DType dtype : DType.values()) {
      if (dtype.name().equals(dtypeName)) {
        return dtype;
      }
    }
    throw new CheckpointFormatException(
        "%s: tensor %s has dtype %s, and LoRA4J reads %s only; convert it to one of these first"
            .formatted(file, Quoted.of(name), dtypeName, List.of(DType.values())));
  }

  /** The number of elements: the product of the shape, 1 for a scalar. */
  public long elementCount() {
    return shape.stream().mapToLong(Long::longValue).reduce(1, (a, b) -> a * b);
  }
}
