package io.github.lora4j.peft;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Ranks and alphas of modules that differ from a configuration's, as its {@code rankPattern} and
 * {@code alphaPattern}.
 *
 * @param rankPattern by module name, those unlike {@code r}
 * @param alphaPattern by module name, those unlike {@code alpha}
 */
record RankPatterns(Map<String, Integer> rankPattern, Map<String, Double> alphaPattern) {

  /**
   * What combined adapters need, whose scaling is 1.
   *
   * @param r of the configuration, whose alpha is {@link CombinedUpdate#alpha} of it
   * @param ranks of all modules
   */
  static RankPatterns ofScalingOne(int r, Map<String, Integer> ranks, boolean rslora) {
    Map<String, Double> alphas = new LinkedHashMap<>();
    ranks.forEach((module, rank) -> alphas.put(module, CombinedUpdate.alpha(rank, rslora)));
    return differing(r, CombinedUpdate.alpha(r, rslora), ranks, alphas);
  }

  /**
   * What modules need whose ranks were shared out anew.
   *
   * @param r of the configuration
   * @param alpha of the configuration
   * @param before each module's rank and alpha by the configuration
   * @param ranks the new ones, without modules that have none
   * @param adjust whether alpha follows the rank: {@code adjust_scaling_factors} of EVA
   */
  static RankPatterns ofSharedRanks(
      int r,
      double alpha,
      Map<String, AdapterRank> before,
      Map<String, Integer> ranks,
      boolean adjust) {
    Map<String, Double> alphas = new LinkedHashMap<>();
    ranks.forEach(
        (module, rank) -> {
          AdapterRank old = before.getOrDefault(module, new AdapterRank(r, alpha));
          double factor = adjust ? (double) rank / old.r() : 1;
          alphas.put(module, old.alpha() * factor);
        });
    return differing(r, alpha, ranks, alphas);
  }

  /**
   * The rank and alpha of one module.
   *
   * @param r the rank
   * @param alpha the numerator of the scaling
   */
  record AdapterRank(int r, double alpha) {}

  private static RankPatterns differing(
      int r, double alpha, Map<String, Integer> ranks, Map<String, Double> alphas) {
    Map<String, Integer> unlikeR = new LinkedHashMap<>(ranks);
    unlikeR.values().removeIf(rank -> rank == r);
    Map<String, Double> unlikeAlpha = new LinkedHashMap<>(alphas);
    unlikeAlpha.values().removeIf(each -> each == alpha);
    return new RankPatterns(unlikeR, unlikeAlpha);
  }
}
