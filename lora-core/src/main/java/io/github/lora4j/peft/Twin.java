package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;
import java.util.List;

/**
 * A tensor that an adapter's file holds twice.
 *
 * @param other the name of the first
 * @param transposed whether the second is its transpose
 * @param written whether it is there in every file that PEFT writes
 */
record Twin(String other, boolean transposed, boolean written) {

  static Twin copy(String other) {
    return new Twin(other, false, true);
  }

  static Twin transpose(String other) {
    return new Twin(other, true, true);
  }

  static Twin seldom(String other) {
    return new Twin(other, false, false);
  }

  List<Long> shape(List<Long> first) {
    return transposed ? List.of(first.get(1), first.get(0)) : first;
  }

  Tensor of(Tensor first) {
    return transposed ? first.transpose(0, 1).contiguous() : first.copy();
  }
}
