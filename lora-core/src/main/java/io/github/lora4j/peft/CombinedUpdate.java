package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;

/**
 * What a combination gives for one layer: {@code B A} is the whole change, its scaling is 1. The
 * tensors are the caller's scope's.
 *
 * @param a {@code [rank, in]}
 * @param b {@code [out, rank]}
 */
record CombinedUpdate(Tensor a, Tensor b) {

  int rank() {
    return Math.toIntExact(a.size(0));
  }

  /**
   * The alpha for a scaling of 1: the rank, or under rsLoRA its root. (PEFT takes the rank then
   * too, and its result acts √rank times as strongly as it should.)
   */
  static double alpha(int rank, boolean rslora) {
    return rslora ? Math.sqrt(rank) : rank;
  }
}
