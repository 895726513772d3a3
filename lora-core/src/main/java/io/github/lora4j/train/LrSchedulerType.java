package io.github.lora4j.train;

/**
 * How the learning rate moves over a run; each has the name and the formula of transformers' {@code
 * SchedulerType}.
 *
 * <p>All but {@link #CONSTANT} begin with a linear warm-up from 0, so that the very first update of
 * a run with warm-up changes nothing.
 */
public enum LrSchedulerType {
  /** Falls in a straight line to 0 at the last update. The default. */
  LINEAR,
  /** Falls along half a cosine wave to 0 at the last update. */
  COSINE,
  /** Stays as it is; warm-up is ignored, as in transformers. */
  CONSTANT,
  /** Stays as it is after the warm-up. */
  CONSTANT_WITH_WARMUP;

  /**
   * The schedule that transformers knows under this name, such as {@code cosine}.
   *
   * @throws IllegalArgumentException for a name that is unknown or not built yet
   */
  public static LrSchedulerType of(String name) {
    return NamedChoice.of("lrSchedulerType", name, values());
  }

  /** The name in transformers, such as {@code constant_with_warmup}. */
  @Override
  public String toString() {
    return NamedChoice.nameOf(this);
  }
}
