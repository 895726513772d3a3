package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;

/**
 * One adapter's part in a combination, for one layer.
 *
 * @param a {@code [r, in]}, F32
 * @param b {@code [out, r]}, F32
 * @param scaling what its product is multiplied by in use
 * @param weight its share, of either sign
 */
record WeightedUpdate(Tensor a, Tensor b, double scaling, double weight) {

  /** What its product is multiplied by in the combination. */
  double factor() {
    return weight * scaling;
  }

  int rank() {
    return Math.toIntExact(a.size(0));
  }
}
