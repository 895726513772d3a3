package io.github.lora4j.nn;

import java.util.List;
import java.util.OptionalDouble;

/**
 * How rotary frequencies are stretched for longer contexts: transformers' {@code rope_type}.
 *
 * <p>Formulas as in transformers' {@code modeling_rope_utils}.
 */
public sealed interface RopeScaling {

  /**
   * The angle per position of each pair of features.
   *
   * @param dim how many features are rotated
   * @param theta the base of the frequencies
   * @param seqLen the length of the sequence at hand
   * @return {@code [dim / 2]}
   */
  double[] inverseFrequencies(int dim, double theta, long seqLen);

  /** What cosine and sine are multiplied by. */
  default double attentionFactor() {
    return 1;
  }

  /** Whether the frequencies depend on the length of the sequence at hand. */
  default boolean dependsOnLength() {
    return false;
  }

  /**
   * The length beyond which all frequencies are others, so that keys turned before don't fit those
   * turned later; empty where there is none.
   */
  default OptionalDouble switchesBeyond() {
    return OptionalDouble.empty();
  }

  /** No scaling: {@code default}. */
  record None() implements RopeScaling {
    @Override
    public double[] inverseFrequencies(int dim, double theta, long seqLen) {
      double[] frequencies = new double[(dim + 1) / 2];
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] = 1 / Math.pow(theta, 2.0 * i / dim);
      }
      return frequencies;
    }
  }

  /**
   * Positions divided by a factor: {@code linear}.
   *
   * @param factor how many times longer the context becomes
   */
  record Linear(double factor) implements RopeScaling {
    @Override
    public double[] inverseFrequencies(int dim, double theta, long seqLen) {
      double[] frequencies = new None().inverseFrequencies(dim, theta, seqLen);
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] /= factor;
      }
      return frequencies;
    }
  }

  /**
   * A base that grows with sequences beyond the trained length: {@code dynamic} (NTK-aware).
   *
   * @param factor how fast it grows
   * @param maxPositionEmbeddings the trained length
   */
  record Dynamic(double factor, int maxPositionEmbeddings) implements RopeScaling {
    @Override
    public double[] inverseFrequencies(int dim, double theta, long seqLen) {
      double length = Math.max(seqLen, maxPositionEmbeddings);
      double stretch = factor * length / maxPositionEmbeddings - (factor - 1);
      double base = theta * Math.pow(stretch, dim / (dim - 2.0));
      return new None().inverseFrequencies(dim, base, seqLen);
    }

    @Override
    public boolean dependsOnLength() {
      return true;
    }
  }

  /**
   * Slow frequencies interpolated, fast ones kept, with a ramp between: {@code yarn} (Peng et al.,
   * 2023).
   *
   * @param factor how many times longer the context becomes
   * @param originalMaxPositionEmbeddings the trained length
   * @param betaFast rotations above which a frequency is kept
   * @param betaSlow rotations below which it is interpolated
   * @param attentionFactor what cosine and sine are multiplied by
   * @param truncate whether the ends of the ramp are rounded outwards to whole pairs
   */
  record Yarn(
      double factor,
      double originalMaxPositionEmbeddings,
      double betaFast,
      double betaSlow,
      double attentionFactor,
      boolean truncate)
      implements RopeScaling {

    @Override
    public double[] inverseFrequencies(int dim, double theta, long seqLen) {
      double low = correctionDim(betaFast, dim, theta);
      double high = correctionDim(betaSlow, dim, theta);
      if (truncate) {
        low = Math.floor(low);
        high = Math.ceil(high);
      }
      low = Math.max(low, 0);
      high = Math.min(high, dim - 1);
      if (low == high) {
        high += 0.001;
      }
      double[] frequencies = new None().inverseFrequencies(dim, theta, seqLen);
      for (int i = 0; i < frequencies.length; i++) {
        double ramp = Math.min(1, Math.max(0, (i - low) / (high - low)));
        frequencies[i] = frequencies[i] / factor * ramp + frequencies[i] * (1 - ramp);
      }
      return frequencies;
    }

    private double correctionDim(double rotations, int dim, double theta) {
      return dim
          * Math.log(originalMaxPositionEmbeddings / (rotations * 2 * Math.PI))
          / (2 * Math.log(theta));
    }

    /**
     * The attention factor that the paper suggests, from {@code mscale} and {@code mscale_all_dim}
     * where both are set.
     */
    public static double defaultAttentionFactor(double factor, double mscale, double mscaleAllDim) {
      return mscale != 0 && mscaleAllDim != 0
          ? magnitude(factor, mscale) / magnitude(factor, mscaleAllDim)
          : magnitude(factor, 1);
    }

    private static double magnitude(double scale, double mscale) {
      return scale <= 1 ? 1 : 0.1 * mscale * Math.log(scale) + 1;
    }
  }

  /**
   * Long waves divided by a factor, short ones kept, with a smooth passage between: {@code llama3}.
   *
   * @param factor how many times longer the context becomes
   * @param lowFreqFactor trained length over this is the wavelength from which frequencies are
   *     divided
   * @param highFreqFactor trained length over this is the wavelength up to which they are kept
   * @param originalMaxPositionEmbeddings the trained length
   */
  record Llama3(
      double factor,
      double lowFreqFactor,
      double highFreqFactor,
      double originalMaxPositionEmbeddings)
      implements RopeScaling {

    @Override
    public double[] inverseFrequencies(int dim, double theta, long seqLen) {
      double[] frequencies = new None().inverseFrequencies(dim, theta, seqLen);
      double longWave = originalMaxPositionEmbeddings / lowFreqFactor;
      double shortWave = originalMaxPositionEmbeddings / highFreqFactor;
      for (int i = 0; i < frequencies.length; i++) {
        double wavelength = 2 * Math.PI / frequencies[i];
        if (wavelength > longWave) {
          frequencies[i] /= factor;
        } else if (wavelength >= shortWave) {
          double smooth =
              (originalMaxPositionEmbeddings / wavelength - lowFreqFactor)
                  / (highFreqFactor - lowFreqFactor);
          frequencies[i] = (1 - smooth) * frequencies[i] / factor + smooth * frequencies[i];
        }
      }
      return frequencies;
    }
  }

  /**
   * Each frequency divided by a factor of its own, with one list of factors up to the trained
   * length and another beyond: {@code longrope} (Ding et al., 2024), also called {@code su}.
   *
   * @param shortFactors one for each frequency
   * @param longFactors one for each frequency
   * @param originalMaxPositionEmbeddings the trained length
   * @param attentionFactor what cosine and sine are multiplied by
   */
  record LongRope(
      List<Double> shortFactors,
      List<Double> longFactors,
      double originalMaxPositionEmbeddings,
      double attentionFactor)
      implements RopeScaling {

    /** Keeps unchangeable lists. */
    public LongRope {
      shortFactors = List.copyOf(shortFactors);
      longFactors = List.copyOf(longFactors);
    }

    @Override
    public double[] inverseFrequencies(int dim, double theta, long seqLen) {
      List<Double> factors = seqLen > originalMaxPositionEmbeddings ? longFactors : shortFactors;
      double[] frequencies = new None().inverseFrequencies(dim, theta, seqLen);
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] /= factors.get(i);
      }
      return frequencies;
    }

    @Override
    public boolean dependsOnLength() {
      return true;
    }

    @Override
    public OptionalDouble switchesBeyond() {
      return OptionalDouble.of(originalMaxPositionEmbeddings);
    }

    /**
     * The attention factor that the paper suggests.
     *
     * @param factor how many times longer the context becomes
     */
    public static double defaultAttentionFactor(double factor, double originalLength) {
      return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalLength));
    }
  }
}
