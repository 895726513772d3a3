package io.github.lora4j.model;

import io.github.lora4j.error.LoraException;
import java.util.List;
import java.util.stream.Stream;

/**
 * The layers of a stack that repeats some of another's.
 *
 * @param order indices into the other stack
 * @param layers how many that has
 */
record LayerOrder(List<Integer> order, int layers) {

  private static final List<String> COUNTS =
      List.of("num_hidden_layers", "n_layer", "n_layers", "num_layers");

  private static final String TYPES = "layer_types";

  LayerOrder {
    order = List.copyOf(order);
    if (order.isEmpty()) {
      throw new IllegalArgumentException("order: expected at least one layer, found none");
    }
    for (int index : order) {
      if (index < 0 || index >= layers) {
        throw new IllegalArgumentException(
            "order: expected indices of layers in [0, " + layers + "), found " + index);
      }
    }
  }

  static LayerOrder of(List<Integer> order, DecoderSpec spec) {
    return new LayerOrder(order, spec.numHiddenLayers());
  }

  /**
   * Refuses to save a stack that its configuration doesn't describe, since layers that a family
   * tells apart by their place stand in another.
   */
  static void requireDescribed(DecoderSpec spec, ModelFamily family, ModelConfig config) {
    if (!family.describe(config).blocks().equals(spec.blocks())) {
      throw new LoraException(
          "config.json can't describe this model: the family "
              + family.modelType()
              + " tells layers apart by their place in the stack, and here they stand in another."
              + " Save the adapter instead.");
    }
  }

  /** The configuration of the new stack, as far as a configuration can tell. */
  ModelConfig in(ModelConfig config) {
    ModelConfig changed = config;
    List<String> types = config.strings(TYPES);
    if (types.size() == layers) {
      changed = changed.withValue(TYPES, order.stream().map(types::get).toList());
    }
    String count =
        Stream.concat(COUNTS.stream().filter(config::has), COUNTS.stream())
            .findFirst()
            .orElseThrow();
    return changed.withValue(count, order.size());
  }
}
