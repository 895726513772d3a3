package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Which layers see only a window of positions: {@code layer_types}, or what a family derives from
 * older keys.
 */
final class LayerTypes {

  static final String FULL = "full_attention";
  static final String SLIDING = "sliding_attention";
  private static final String KEY = "layer_types";
  private static final String WINDOW = "sliding_window";

  private final int layers;
  private final IntPredicate sliding;

  private LayerTypes(int layers, IntPredicate sliding) {
    this.layers = layers;
    this.sliding = sliding;
  }

  /**
   * Reads the list.
   *
   * @param derived which layers have a window where there is no list
   */
  static LayerTypes read(ModelConfig config, IntPredicate derived) {
    int layers = SizeLimits.layers(config, "num_hidden_layers");
    if (!config.has(KEY)) {
      return new LayerTypes(layers, derived);
    }
    List<String> types = config.strings(KEY);
    if (types.size() != layers) {
      throw config.wrong(KEY, "one for each of " + layers + " layers");
    }
    for (String type : types) {
      if (!List.of(FULL, SLIDING, "attention").contains(type)) {
        throw new UnsupportedModelException(
            config.source()
                + ": "
                + KEY
                + ": '"
                + type
                + "' is not supported; known are: "
                + FULL
                + ", "
                + SLIDING
                + ".");
      }
    }
    return new LayerTypes(layers, layer -> types.get(layer).equals(SLIDING));
  }

  /**
   * The windows of Qwen and its kin: none unless {@code use_sliding_window}, and then from layer
   * {@code max_window_layers} on.
   */
  static IntFunction<OptionalInt> qwenWindows(ModelConfig config) {
    OptionalInt window =
        config.flag("use_sliding_window", false) ? window(config, 4096) : OptionalInt.empty();
    int first = config.integer("max_window_layers").orElse(28);
    return read(config, layer -> window.isPresent() && layer >= first).windows(config, window);
  }

  /**
   * The number of positions that {@code sliding_window} names; empty where it is null.
   *
   * @param defaultWindow where the key is missing
   */
  static OptionalInt window(ModelConfig config, int defaultWindow) {
    if (config.isNull(WINDOW)) {
      return OptionalInt.empty();
    }
    return OptionalInt.of(config.has(WINDOW) ? config.size(WINDOW) : defaultWindow);
  }

  boolean isSliding(int layer) {
    return sliding.test(layer);
  }

  boolean areAllSliding() {
    return IntStream.range(0, layers).allMatch(sliding);
  }

  /** The window of each layer, checked to be there where it is needed. */
  IntFunction<OptionalInt> windows(ModelConfig config, OptionalInt window) {
    if (window.isEmpty() && IntStream.range(0, layers).anyMatch(sliding)) {
      throw config.wrong(WINDOW, "a number of positions in use, since some layers have " + SLIDING);
    }
    return layer -> isSliding(layer) ? window : OptionalInt.empty();
  }
}
