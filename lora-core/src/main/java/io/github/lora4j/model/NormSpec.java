package io.github.lora4j.model;

/**
 * A norm.
 *
 * @param name in the checkpoint
 * @param kind which one
 * @param eps added to the mean square or the variance
 * @param bias whether it has one; only layer norms do
 */
public record NormSpec(String name, Kind kind, double eps, boolean bias) {

  /** The kinds of norms. */
  public enum Kind {
    /** Llama's root-mean-square norm: rounded, then weighted. */
    RMS,
    /** OLMo 2's: weighted in float32, then rounded. */
    RMS_WIDE,
    /** Gemma's: weighted by one plus the weight in float32, then rounded. */
    RMS_ONE_PLUS,
    /** The layer norm, with mean and variance. */
    LAYER,
    /**
     * StableLM's for queries and keys: a layer norm without bias for each head, whose weights are
     * called {@code name.norms.0.weight} and so on.
     */
    LAYER_PER_HEAD
  }

  /** Checks that only a layer norm has a bias. */
  public NormSpec {
    if (bias && kind != Kind.LAYER) {
      throw new IllegalArgumentException(name + ": expected no bias beside " + kind);
    }
  }

  /** Llama's norm. */
  public static NormSpec rms(String name, double eps) {
    return new NormSpec(name, Kind.RMS, eps, false);
  }

  /** A layer norm with a bias. */
  public static NormSpec layer(String name, double eps) {
    return new NormSpec(name, Kind.LAYER, eps, true);
  }

  /** The same norm under another name. */
  public NormSpec named(String other) {
    return new NormSpec(other, kind, eps, bias);
  }
}
