package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.nn.RopeScaling;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.Optional;

/**
 * Reads the rotary embedding from {@code config.json}: {@code rope_parameters} as transformers 5
 * writes it, or {@code rope_theta} with {@code rope_scaling} as it was before.
 */
final class RopeParameters {

  private static final double DEFAULT_THETA = 10_000;

  private RopeParameters() {}

  static RotaryEmbedding read(ModelConfig config, int headDim, int maxPositions) {
    Optional<ModelConfig> section =
        config.has("rope_scaling")
            ? config.section("rope_scaling")
            : config.section("rope_parameters");
    double outerTheta = config.number("rope_theta", DEFAULT_THETA);
    double theta = section.map(s -> s.number("rope_theta", outerTheta)).orElse(outerTheta);
    if (theta <= 1) {
      throw section
          .filter(s -> s.has("rope_theta"))
          .orElse(config)
          .wrong("rope_theta", "more than 1");
    }
    double outerPart = config.number("partial_rotary_factor", 1);
    double part = section.map(s -> s.number("partial_rotary_factor", outerPart)).orElse(outerPart);
    int rotaryDim = (int) (headDim * part);
    if (part <= 0 || part > 1 || rotaryDim < 2 || rotaryDim % 2 != 0) {
      throw section
          .filter(s -> s.has("partial_rotary_factor"))
          .orElse(config)
          .wrong(
              "partial_rotary_factor",
              "more than 0, at most 1, and an even number of the " + headDim + " head features");
    }
    RopeScaling scaling =
        section.map(s -> scaling(s, config, maxPositions)).orElseGet(RopeScaling.None::new);
    return new RotaryEmbedding(rotaryDim, theta, scaling);
  }

  private static RopeScaling scaling(ModelConfig rope, ModelConfig config, int maxPositions) {
    String type = rope.has("rope_type") ? rope.string("rope_type") : rope.string("type", "default");
    return switch (type) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(factor(rope));
      case "dynamic" -> new RopeScaling.Dynamic(factor(rope), maxPositions);
      case "yarn" -> yarn(rope, originalLength(rope, config, maxPositions), maxPositions);
      case "llama3" -> {
        double low = rope.number("low_freq_factor");
        double high = rope.number("high_freq_factor");
        if (high <= low) {
          throw rope.wrong("high_freq_factor", "more than low_freq_factor " + low);
        }
        yield new RopeScaling.Llama3(
            factor(rope), low, high, originalLength(rope, config, maxPositions));
      }
      default ->
          throw new UnsupportedModelException(
              rope.source()
                  + ": rope_type '"
                  + type
                  + "' is not supported; known are: default, linear, dynamic, yarn, llama3.");
    };
  }

  private static RopeScaling yarn(ModelConfig rope, double original, int maxPositions) {
    double factor = rope.has("factor") ? factor(rope) : maxPositions / original;
    double attentionFactor =
        rope.has("attention_factor")
            ? rope.number("attention_factor")
            : RopeScaling.Yarn.defaultAttentionFactor(
                factor, rope.number("mscale", 0), rope.number("mscale_all_dim", 0));
    return new RopeScaling.Yarn(
        factor,
        original,
        orDefault(rope.number("beta_fast", 0), 32),
        orDefault(rope.number("beta_slow", 0), 1),
        attentionFactor,
        rope.flag("truncate", true));
  }

  /** Zero means "not set", as in transformers. */
  private static double orDefault(double value, double defaultValue) {
    return value == 0 ? defaultValue : value;
  }

  private static double factor(ModelConfig rope) {
    double factor = rope.number("factor");
    if (factor <= 0) {
      throw rope.wrong("factor", "more than 0");
    }
    return factor;
  }

  private static double originalLength(ModelConfig rope, ModelConfig config, int maxPositions) {
    String key = "original_max_position_embeddings";
    double length = config.has(key) ? config.number(key) : rope.number(key, maxPositions);
    if (length <= 0) {
      throw (config.has(key) ? config : rope).wrong(key, "more than 0");
    }
    return length;
  }
}
