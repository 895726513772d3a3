package io.github.lora4j.peft;

import java.util.List;
import java.util.Locale;
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
    require(
        config.modulesToSave().stream().noneMatch(String::isBlank),
        "modulesToSave holds a blank name, which every module's name ends in");
    config.layersPattern().forEach(p -> PythonRegex.ofLayersPattern("layersPattern", p));
    require(
        !(config.targetModules() instanceof TargetModules.Names names)
            || !names.names().isEmpty()
            || !config.targetParameters().isEmpty()
            || !config.trainableTokenIndices().isEmpty(),
        "targetModules names no modules: give names, a regular expression or all-linear");
    checkVariants(config);
    require(!config.targetParameters().contains(""), "a name in targetParameters is empty");
    require(
        config.targetParameters().isEmpty() || dropout == 0,
        "loraDropout is %s, but adapters on parameters (here %s) can't drop their inputs: set it to"
            + " 0, or target linear layers only",
        dropout,
        config.targetParameters());
  }

  private static void checkVariants(LoraConfig config) {
    InitLoraWeights init = config.initLoraWeights();
    boolean plain = init.equals(InitLoraWeights.KAIMING) || init.equals(InitLoraWeights.RANDOM);
    require(
        !config.loraBias() || plain,
        "loraBias works with initLoraWeights true or false only, not %s",
        init);
    require(!config.loraBias() || !config.useDora(), "loraBias and useDora exclude each other");
    require(
        init.method() != InitLoraWeights.Method.LOFTQ || config.loftqConfig().isPresent(),
        "initLoraWeights \"loftq\" doesn't say how the base's weights are rounded: set"
            + " loftqConfig, such as LoftQConfig.DEFAULT; or, for a base that is quantized already,"
            + " use the default and call LoftqWeights.replace(peft, modelDir)");
    for (List<Integer> range : config.layerReplication()) {
      require(
          range.size() == 2 && range.get(0) >= 0 && range.get(1) > range.get(0),
          "layerReplication takes ranges of layers [from, to), not %s",
          range);
    }
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

  private static void require(boolean holds, String problem, Object... values) {
    if (!holds) {
      throw new IllegalArgumentException(
          values.length == 0 ? problem : String.format(Locale.ROOT, problem, values));
    }
  }
}
