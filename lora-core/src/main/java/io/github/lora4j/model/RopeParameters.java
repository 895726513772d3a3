package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.nn.RopeScaling;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Reads the rotary embedding from {@code config.json}: {@code rope_parameters} as transformers 5
 * writes it, or {@code rope_theta} with {@code rope_scaling} as it was before.
 */
final class RopeParameters {

  private static final String FULL = LayerTypes.FULL;
  private static final String SLIDING = LayerTypes.SLIDING;
  private static final String ORIGINAL = "original_max_position_embeddings";

  private RopeParameters() {}

  /**
   * What counts where the configuration is silent.
   *
   * @param theta the base of the frequencies
   * @param part the part of each head that is rotated
   * @param originalLength the trained length; empty for the longest
   */
  record Defaults(double theta, double part, OptionalDouble originalLength) {

    /** Those of most families. */
    static final Defaults PLAIN = new Defaults(10_000, 1, OptionalDouble.empty());

    Defaults withTheta(double value) {
      return new Defaults(value, part, originalLength);
    }

    Defaults withPart(double value) {
      return new Defaults(theta, value, originalLength);
    }

    Defaults withOriginalLength(double value) {
      return new Defaults(theta, part, OptionalDouble.of(value));
    }
  }

  static RotaryEmbedding read(ModelConfig config, int headDim, int maxPositions) {
    return read(config, headDim, maxPositions, Defaults.PLAIN);
  }

  /** One rotary embedding for all layers. */
  static RotaryEmbedding read(
      ModelConfig config, int headDim, int maxPositions, Defaults defaults) {
    Optional<ModelConfig> section = section(config);
    for (String type : List.of(FULL, SLIDING)) {
      if (section.filter(s -> s.has(type)).isPresent()) {
        throw new UnsupportedModelException(
            section.get().source()
                + ": "
                + type
                + ": expected one rotary embedding for all layers of a "
                + config.modelType()
                + " model.");
      }
    }
    return read(config, section, headDim, maxPositions, defaults);
  }

  /**
   * One rotary embedding for all layers of a family that rotates whole heads: without scaling,
   * transformers overlooks {@code partial_rotary_factor} there; with scaling, its code fails on one
   * below 1.
   */
  static RotaryEmbedding wholeHeads(
      ModelConfig config, int headDim, int maxPositions, Defaults defaults) {
    return whole(config, read(config, headDim, maxPositions, defaults), headDim);
  }

  /**
   * The rotary embedding of one type of layers, which rotates whole heads: a section under {@code
   * rope_parameters}, or what older keys say, of which {@code rope_scaling} is about layers with
   * full attention.
   *
   * @param type as in {@code layer_types}
   * @param thetaKey what the base of the frequencies was called before
   */
  static RotaryEmbedding ofLayerType(
      ModelConfig config, String type, String thetaKey, double theta, int headDim, int longest) {
    Optional<ModelConfig> all = config.section("rope_parameters");
    if (all.isPresent() && !all.get().has(FULL) && !all.get().has(SLIDING)) {
      throw config.wrong("rope_parameters", "an object with " + FULL + " and " + SLIDING);
    }
    Optional<ModelConfig> own = all.flatMap(section -> section.section(type));
    Optional<ModelConfig> old =
        type.equals(FULL) ? config.section("rope_scaling") : Optional.empty();
    double outerTheta = config.number(thetaKey, theta);
    double ownTheta = own.map(s -> s.number("rope_theta", outerTheta)).orElse(outerTheta);
    ModelConfig section = old.or(() -> own).orElseGet(() -> ModelConfig.of("{}", config.source()));
    // Nothing else outside of the section counts.
    RotaryEmbedding read =
        read(section, Optional.of(section), headDim, longest, Defaults.PLAIN.withTheta(ownTheta));
    return whole(section, read, headDim);
  }

  private static Optional<ModelConfig> section(ModelConfig config) {
    Optional<ModelConfig> old = config.section("rope_scaling");
    return old.isPresent() && config.sizeOf("rope_scaling").orElse(0) > 0
        ? old
        : config.section("rope_parameters");
  }

  private static RotaryEmbedding whole(ModelConfig config, RotaryEmbedding read, int headDim) {
    boolean scaled = !(read.scaling() instanceof RopeScaling.None);
    if (scaled && read.rotaryDim() != headDim) {
      throw new UnsupportedModelException(
          config.source()
              + ": partial_rotary_factor: expected 1 beside a scaled rotary embedding, found one"
              + " that rotates "
              + read.rotaryDim()
              + " of "
              + headDim
              + " features; this family rotates whole heads.");
    }
    return new RotaryEmbedding(headDim, read.theta(), read.scaling());
  }

  private static RotaryEmbedding read(
      ModelConfig config,
      Optional<ModelConfig> section,
      int headDim,
      int maxPositions,
      Defaults defaults) {
    double outerTheta = config.number("rope_theta", defaults.theta());
    double theta = section.map(s -> s.number("rope_theta", outerTheta)).orElse(outerTheta);
    if (theta <= 1) {
      throw section
          .filter(s -> s.has("rope_theta"))
          .orElse(config)
          .wrong("rope_theta", "more than 1");
    }
    double outerPart = config.number("partial_rotary_factor", defaults.part());
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
        section
            .map(s -> scaling(s, config, rotaryDim, maxPositions, defaults))
            .orElseGet(RopeScaling.None::new);
    return new RotaryEmbedding(rotaryDim, theta, scaling);
  }

  private static RopeScaling scaling(
      ModelConfig rope, ModelConfig config, int rotaryDim, int maxPositions, Defaults defaults) {
    // Beside the section, where Phi-3 has it, it counts before the one inside.
    ModelConfig from = config.has(ORIGINAL) ? config : rope;
    double original = from.number(ORIGINAL, defaults.originalLength().orElse(maxPositions));
    if (original <= 0) {
      throw from.wrong(ORIGINAL, "more than 0");
    }
    return new RopeScalingReader(rope, original, rotaryDim, maxPositions).read();
  }
}
