package io.github.lora4j.peft;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The parameters that a configuration names, with PEFT's rules.
 *
 * @param found in the model's order
 */
record TargetParameters(List<ParameterEntry> found) {

  /**
   * Matches names and ends of names.
   *
   * @param modules the modules that get an adapter anyway
   * @param problems learns of names that mean nothing, and of layers that are named twice
   */
  static TargetParameters match(
      List<ParameterEntry> parameters,
      LoraConfig config,
      List<String> modules,
      NameProblems problems) {
    Set<String> names = Set.copyOf(config.targetParameters());
    List<ParameterEntry> found =
        parameters.stream().filter(p -> KnownModules.isNamed(p.name(), names)).toList();
    for (String name : config.targetParameters()) {
      if (found.stream().noneMatch(p -> KnownModules.isNamed(p.name(), Set.of(name)))) {
        problems.unknownParameter(name, parameters);
      }
    }
    found.stream().filter(p -> modules.contains(p.module())).forEach(problems::targetedTwice);
    return new TargetParameters(found);
  }

  boolean isEmpty() {
    return found.isEmpty();
  }

  List<String> names() {
    return found.stream().map(ParameterEntry::name).toList();
  }

  /** The weights of linear layers and routers, which take an adapter as linear layers do. */
  List<AdapterTarget> weights(LoraConfig config) {
    Ranks ranks = new Ranks(config);
    return found.stream()
        .filter(p -> !p.isStacked())
        .map(
            p ->
                new AdapterTarget(
                    p.module(),
                    ranks.r(p),
                    ranks.alpha(p),
                    config.scaling(ranks.r(p), ranks.alpha(p))))
        .toList();
  }

  /** The parameters of experts. */
  List<ExpertTarget> experts(LoraConfig config) {
    Ranks ranks = new Ranks(config);
    Map<String, List<ParameterEntry>> byModule =
        found.stream()
            .filter(ParameterEntry::isStacked)
            .collect(Collectors.groupingBy(ParameterEntry::module));
    List<ExpertTarget> experts = new ArrayList<>();
    for (ParameterEntry p : found) {
      if (p.isStacked()) {
        // PEFT wraps the module once for each parameter, the first one innermost.
        List<ParameterEntry> siblings = byModule.get(p.module());
        int around = siblings.size() - 1 - siblings.indexOf(p);
        int r = ranks.r(p);
        double alpha = ranks.alpha(p);
        experts.add(
            new ExpertTarget(
                p.name(),
                p.module() + ".base_layer".repeat(around),
                p.module(),
                p.parts(),
                r,
                alpha,
                config.scaling(r, alpha)));
      }
    }
    return List.copyOf(experts);
  }

  /** Ranks and alphas by the parameters' names. */
  private record Ranks(
      Function<ParameterEntry, Integer> rank, Function<ParameterEntry, Double> numerator) {

    Ranks(LoraConfig config) {
      this(ranks(config), alphas(config));
    }

    private static Function<ParameterEntry, Integer> ranks(LoraConfig config) {
      KeyPatterns<Integer> patterns = new KeyPatterns<>("rankPattern", config.rankPattern());
      return p -> patterns.valueFor(p.name(), config.r());
    }

    private static Function<ParameterEntry, Double> alphas(LoraConfig config) {
      KeyPatterns<Double> patterns = new KeyPatterns<>("alphaPattern", config.alphaPattern());
      return p -> patterns.valueFor(p.name(), config.loraAlpha());
    }

    int r(ParameterEntry parameter) {
      return rank.apply(parameter);
    }

    double alpha(ParameterEntry parameter) {
      return numerator.apply(parameter);
    }
  }
}
