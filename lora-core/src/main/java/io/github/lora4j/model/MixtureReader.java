package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import java.util.OptionalInt;

/**
 * What the families with a mixture of experts read from {@code config.json} in the same way.
 *
 * <p>The loss that balances the router is not built: {@code output_router_logits}, off by default,
 * would add it to the training loss and is refused; its coefficient means nothing without. Noise on
 * the router in training ({@code router_jitter_noise}) is overlooked as dropout of the base is.
 */
final class MixtureReader {

  private static final String COUNT = "num_experts";
  private static final String COUNT_AS_WRITTEN = "num_local_experts";
  private static final String PER_TOKEN = "num_experts_per_tok";

  private final ModelConfig config;
  private final FamilyReader read;

  MixtureReader(ModelConfig config, FamilyReader read) {
    this.config = config;
    this.read = read;
    read.refuse(config.flag("output_router_logits", false), "output_router_logits", "false");
  }

  /** The number of experts, by either of its names; may be zero. */
  int count(int defaultCount) {
    OptionalInt written = config.integer(COUNT_AS_WRITTEN);
    OptionalInt named = config.integer(COUNT);
    if (written.isPresent() && named.isPresent() && !written.equals(named)) {
      throw config.wrong(COUNT, COUNT_AS_WRITTEN + " " + written.getAsInt());
    }
    int count = written.orElseGet(() -> named.orElse(defaultCount));
    if (count < 0) {
      throw config.wrong(written.isPresent() ? COUNT_AS_WRITTEN : COUNT, "at least 0");
    }
    return count;
  }

  /** A mixture with the names that both families use. */
  MlpSpec.Experts experts(
      int count,
      int defaultPerToken,
      boolean normalised,
      int intermediateSize,
      MlpSpec.StoredExpert stored) {
    int perToken = config.has(PER_TOKEN) ? config.size(PER_TOKEN) : defaultPerToken;
    if (perToken > count) {
      throw config.wrong(PER_TOKEN, "at most the number of experts " + count);
    }
    return new MlpSpec.Experts(
        "mlp.gate",
        "mlp.experts",
        count,
        perToken,
        normalised,
        intermediateSize,
        read.activation("hidden_act", "silu"),
        stored);
  }

  /**
   * One window for all layers. A list of {@code layer_types}, which transformers overlooks in these
   * families, must not say otherwise where that makes a difference.
   */
  OptionalInt window(OptionalInt window, int maxPositions) {
    LayerTypes types = LayerTypes.read(config, layer -> window.isPresent());
    boolean matters = window.isPresent() && window.getAsInt() < maxPositions;
    if (matters && !types.areAllSliding()) {
      throw new UnsupportedModelException(
          config.source()
              + ": layer_types: expected "
              + LayerTypes.SLIDING
              + " for all layers of a "
              + config.modelType()
              + " model with a sliding_window.");
    }
    return window;
  }
}
