package io.github.lora4j.peft;

import io.github.lora4j.model.DecoderSpec;
import java.util.ArrayList;
import java.util.List;

/** The stack that {@code layer_replication} stands for. */
final class LayerReplication {

  private LayerReplication() {}

  /**
   * The layers of the base at each place.
   *
   * @param ranges each {@code [from, to)}
   * @throws IllegalArgumentException if the base has no such layers
   */
  static List<Integer> order(List<List<Integer>> ranges, DecoderSpec spec) {
    List<Integer> order = new ArrayList<>();
    for (List<Integer> range : ranges) {
      if (range.get(1) > spec.numHiddenLayers()) {
        throw new IllegalArgumentException(
            "layerReplication: the base has %d layers, found the range %s"
                .formatted(spec.numHiddenLayers(), range));
      }
      for (int layer = range.get(0); layer < range.get(1); layer++) {
        order.add(layer);
      }
    }
    return order;
  }
}
