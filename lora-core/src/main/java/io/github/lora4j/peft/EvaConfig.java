package io.github.lora4j.peft;

import java.util.Map;

/**
 * How {@link InitLoraWeights#EVA} finds its directions: PEFT's {@code EvaConfig}.
 *
 * @param rho how many times its rank a layer may get at most when ranks are shared out anew, at
 *     least 1; 1 leaves them nearly as they are
 * @param tau a direction counts as found when its cosine with the one before is at least this, in
 *     {@code [0, 1]}
 * @param useLabelMask whether positions labelled with {@code labelMaskValue} are left out
 * @param labelMaskValue that label
 * @param whiten whether directions are divided by the roots of their singular values
 * @param adjustScalingFactors whether alpha follows a layer's new rank, so that {@code alpha / r}
 *     stays the same
 */
public record EvaConfig(
    double rho,
    double tau,
    boolean useLabelMask,
    int labelMaskValue,
    boolean whiten,
    boolean adjustScalingFactors) {

  /** PEFT's defaults: 2, 0.99, labels other than -100, not whitened, scaling adjusted. */
  public static final EvaConfig DEFAULT = new EvaConfig(2, 0.99, true, -100, false, true);

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming what is out of range
   */
  public EvaConfig {
    if (!(rho >= 1) || Double.isInfinite(rho)) {
      throw new IllegalArgumentException("rho: expected a number of at least 1, found " + rho);
    }
    if (!(tau >= 0 && tau <= 1)) {
      throw new IllegalArgumentException("tau: expected one of [0, 1], found " + tau);
    }
  }

  /** What adapter_config.json has under {@code eva_config}. */
  Map<String, Object> toJson() {
    return Map.of(
        "rho", rho,
        "tau", tau,
        "use_label_mask", useLabelMask,
        "label_mask_value", labelMaskValue,
        "whiten", whiten,
        "adjust_scaling_factors", adjustScalingFactors);
  }
}
