package io.github.lora4j.peft;

import java.util.Map;

/** What must hold between the fields of a configuration, as PEFT has it or stricter. */
final class LoraConfigRules {

  private LoraConfigRules() {}

  static void check(LoraConfig config) {
    positive("r", config.r());
    config.rankPattern().forEach((key, rank) -> positive("rankPattern \"" + key + "\"", rank));
    finite("loraAlpha", config.loraAlpha());
    config.alphaPattern().forEach((key, alpha) -> finite("alphaPattern \"" + key + "\"", alpha));
    double dropout = config.loraDropout();
    require(
        dropout >= 0 && dropout <= 1, "loraDropout is a probability from 0 to 1, not " + dropout);
    checkLayers(config);
    checkExcluded(config.excludeModules());
    checkPatterns("rankPattern", config.rankPattern());
    checkPatterns("alphaPattern", config.alphaPattern());
    config.layersPattern().forEach(p -> PythonRegex.ofLayersPattern("layersPattern", p));
    require(
        !(config.targetModules() instanceof TargetModules.Names names) || !names.names().isEmpty(),
        "targetModules names no modules: give names, a regular expression or all-linear");
  }

  private static void checkLayers(LoraConfig config) {
    TargetModules targets = config.targetModules();
    boolean byName =
        targets instanceof TargetModules.Names || targets instanceof TargetModules.ModelDefault;
    require(
        byName || config.layersToTransform().isEmpty(),
        "layersToTransform works with targetModules given by name only; put the layers into the"
            + " regular expression instead");
    require(
        byName || config.layersPattern().isEmpty(),
        "layersPattern works with targetModules given by name only");
    require(
        config.layersPattern().isEmpty() || !config.layersToTransform().isEmpty(),
        "layersPattern says where to count, but layersToTransform doesn't say which layers: set it"
            + " too");
    for (int layer : config.layersToTransform()) {
      require(layer >= 0, "layersToTransform counts from 0; there is no layer " + layer);
    }
  }

  private static void checkExcluded(TargetModules excluded) {
    require(
        excluded instanceof TargetModules.Names || excluded instanceof TargetModules.Regex,
        "excludeModules takes names or a regular expression, not " + excluded);
  }

  private static void checkPatterns(String field, Map<String, ?> patterns) {
    patterns.keySet().forEach(key -> PythonRegex.ofPatternKey(field, key));
  }

  private static void positive(String field, int rank) {
    require(rank > 0, "%s is a rank of at least 1, not %d".formatted(field, rank));
  }

  private static void finite(String field, double alpha) {
    require(Double.isFinite(alpha), "%s is a finite number, not %s".formatted(field, alpha));
  }

  private static void require(boolean holds, String problem) {
    if (!holds) {
      throw new IllegalArgumentException(problem);
    }
  }
}
