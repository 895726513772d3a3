package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.nn.RopeScaling;
import java.util.List;

/**
 * Reads how rotary frequencies are stretched.
 *
 * @param rope the section of the configuration that says it
 * @param original the trained length
 * @param rotaryDim how many features of a head are rotated
 * @param maxPositions longest sequence
 */
record RopeScalingReader(ModelConfig rope, double original, int rotaryDim, int maxPositions) {

  RopeScaling read() {
    String type = rope.has("rope_type") ? rope.string("rope_type") : rope.string("type", "default");
    return switch (type) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(factor());
      case "dynamic" -> new RopeScaling.Dynamic(factor(), maxPositions);
      // The first Phi-3 models call longrope so.
      case "yarn" -> rope.has("long_factor") ? longRope() : yarn();
      case "longrope", "su" -> longRope();
      case "llama3" -> {
        double low = rope.number("low_freq_factor");
        double high = rope.number("high_freq_factor");
        if (high <= low) {
          throw rope.wrong("high_freq_factor", "more than low_freq_factor " + low);
        }
        yield new RopeScaling.Llama3(factor(), low, high, original);
      }
      default ->
          throw new UnsupportedModelException(
              rope.source()
                  + ": rope_type '"
                  + type
                  + "' is not supported; known are: default, linear, dynamic, yarn, llama3,"
                  + " longrope.");
    };
  }

  private RopeScaling yarn() {
    double factor = rope.has("factor") ? factor() : maxPositions / original;
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

  private RopeScaling longRope() {
    double factor = rope.has("factor") ? factor() : maxPositions / original;
    double attentionFactor =
        rope.has("attention_factor")
            ? rope.number("attention_factor")
            : RopeScaling.LongRope.defaultAttentionFactor(factor, original);
    return new RopeScaling.LongRope(
        factors("short_factor"), factors("long_factor"), original, attentionFactor);
  }

  private List<Double> factors(String key) {
    List<Double> factors = rope.numbers(key);
    if (factors.size() != rotaryDim / 2 || factors.stream().anyMatch(factor -> factor <= 0)) {
      throw rope.wrong(key, "a list of " + rotaryDim / 2 + " numbers above 0");
    }
    return factors;
  }

  /** Zero means "not set", as in transformers. */
  private static double orDefault(double value, double defaultValue) {
    return value == 0 ? defaultValue : value;
  }

  private double factor() {
    double factor = rope.number("factor");
    if (factor <= 0) {
      throw rope.wrong("factor", "more than 0");
    }
    return factor;
  }
}
