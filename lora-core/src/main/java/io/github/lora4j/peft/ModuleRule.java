package io.github.lora4j.peft;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Decides by name whether a module gets an adapter; the rules are PEFT's.
 *
 * <p>Exclusion wins, and so does being trained whole. The indices of layers count only for a target
 * given by the end of its name: a full name is a target in any layer.
 */
final class ModuleRule {

  /** What the rules say of a module. */
  enum Verdict {
    TARGET,
    EXCLUDED,
    /** It is named as a target, but stands in a layer that is not to be adapted. */
    OTHER_LAYER,
    UNNAMED
  }

  private final Predicate<String> excluded;
  private final Predicate<String> fullName;
  private final Predicate<String> named;
  private final LayerIndices layers;

  /**
   * Reads the rules.
   *
   * @param targets names or a regular expression: nothing that is still to be expanded
   */
  ModuleRule(LoraConfig config, TargetModules targets) {
    excluded =
        matching("excludeModules", config.excludeModules())
            .or(module -> SavedModules.contain(config.modulesToSave(), module));
    named = matching("targetModules", targets);
    fullName = fullNames(targets)::contains;
    layers = new LayerIndices(config);
  }

  Verdict of(String module) {
    if (excluded.test(module)) {
      return Verdict.EXCLUDED;
    }
    if (!named.test(module)) {
      return Verdict.UNNAMED;
    }
    return fullName.test(module) || layers.allow(module) ? Verdict.TARGET : Verdict.OTHER_LAYER;
  }

  private static Predicate<String> matching(String field, TargetModules modules) {
    if (modules instanceof TargetModules.Regex regex) {
      return PythonRegex.of(field, regex.pattern())::matches;
    }
    Set<String> names = fullNames(modules);
    return module -> KnownModules.isNamed(module, names);
  }

  private static Set<String> fullNames(TargetModules modules) {
    return modules instanceof TargetModules.Names given ? Set.copyOf(given.names()) : Set.of();
  }

  /** Which layers of the model's lists are to be adapted. */
  static final class LayerIndices {

    private final List<Integer> wanted;
    private final List<PythonRegex> patterns;

    LayerIndices(LoraConfig config) {
      wanted = config.layersToTransform();
      patterns =
          config.layersPattern().isEmpty()
              ? List.of(PythonRegex.ofAnyLayersPattern())
              : config.layersPattern().stream()
                  .map(pattern -> PythonRegex.ofLayersPattern("layersPattern", pattern))
                  .toList();
    }

    boolean allow(String module) {
      return wanted.isEmpty() || indexOf(module).filter(wanted::contains).isPresent();
    }

    /** The index of the layer that a module is in, if the first pattern that matches finds one. */
    Optional<Integer> indexOf(String module) {
      return patterns.stream()
          .map(pattern -> pattern.layerIndex(module))
          .flatMap(Optional::stream)
          .findFirst()
          .flatMap(PythonRegex.LayerIndex::digits)
          .filter(digits -> digits.length() < 10)
          .map(Integer::valueOf);
    }
  }
}
