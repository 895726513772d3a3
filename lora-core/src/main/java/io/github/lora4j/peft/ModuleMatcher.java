package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.peft.ModuleRule.Verdict;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the layers that a configuration names in a model, with PEFT's rules.
 *
 * <p>Stricter than PEFT where that would hide a mistake: see {@link NameCheck} and {@link
 * NameProblems}.
 */
final class ModuleMatcher {

  private static final Logger LOG = LoggerFactory.getLogger(ModuleMatcher.class);

  private ModuleMatcher() {}

  /**
   * Matches.
   *
   * @param modules every module that has a name in the checkpoint, in the model's order; containers
   *     may be left out
   * @param defaultTargets what {@link TargetModules#modelDefault()} stands for in this family;
   *     empty if it has no default
   * @throws AdapterMismatchException if nothing matches, something that matches can't be adapted,
   *     or names are misspelt; the message lists all of them
   */
  static MatchedModules match(
      List<ModuleEntry> modules, LoraConfig config, List<String> defaultTargets, NameCheck check) {
    return match(modules, List.of(), config, defaultTargets, check);
  }

  /**
   * Matches.
   *
   * @param parameters those that {@code targetParameters} can name, in the model's order
   */
  static MatchedModules match(
      List<ModuleEntry> modules,
      List<ParameterEntry> parameters,
      LoraConfig config,
      List<String> defaultTargets,
      NameCheck check) {
    KnownModules model = new KnownModules(modules);
    TargetModules named = expand(model, config, defaultTargets);
    TargetModules targets = shorten(model, named);
    ModuleRule rule = new ModuleRule(config, targets);
    Map<ModuleEntry, Verdict> verdicts = new LinkedHashMap<>();
    model.entries().forEach(module -> verdicts.put(module, rule.of(module.name())));

    NameProblems problems = new NameProblems(model, config, check);
    problems.unfit(having(verdicts, Verdict.TARGET));
    problems.unknownTargets(named);
    problems.unknownExclusions();
    problems.unknownLayers();
    List<String> names = having(verdicts, Verdict.TARGET).stream().map(ModuleEntry::name).toList();
    TargetParameters targeted = TargetParameters.match(parameters, config, names, problems);
    boolean onlyTokens =
        config.targetModules() instanceof TargetModules.Names given
            && given.names().isEmpty()
            && !config.trainableTokenIndices().isEmpty();
    if (names.isEmpty() && targeted.isEmpty() && !onlyTokens) {
      problems.nothingMatched(named, Set.copyOf(verdicts.values()));
    } else {
      List<String> adapted = new ArrayList<>(names);
      adapted.addAll(targeted.names());
      problems.unknownKeys("rankPattern", config.rankPattern(), adapted);
      problems.unknownKeys("alphaPattern", config.alphaPattern(), adapted);
    }
    problems.report();
    List<AdapterTarget> adapted = new ArrayList<>(withRanks(config, names));
    adapted.addAll(targeted.weights(config));
    return new MatchedModules(
        List.copyOf(adapted),
        targets,
        SavedModules.match(model, config, check),
        targeted.experts(config));
  }

  private static List<ModuleEntry> having(Map<ModuleEntry, Verdict> verdicts, Verdict verdict) {
    return verdicts.keySet().stream().filter(m -> verdicts.get(m) == verdict).toList();
  }

  private static TargetModules expand(
      KnownModules model, LoraConfig config, List<String> defaultTargets) {
    TargetModules targets = config.targetModules();
    if (targets instanceof TargetModules.AllLinear) {
      return new TargetModules.Names(
          model.entries().stream()
              .filter(module -> module.kind() == ModuleEntry.Kind.LINEAR)
              .map(ModuleEntry::name)
              .toList());
    }
    if (targets instanceof TargetModules.ModelDefault) {
      if (defaultTargets.isEmpty() && !config.targetParameters().isEmpty()) {
        return new TargetModules.Names(List.of());
      }
      if (defaultTargets.isEmpty()) {
        throw new AdapterMismatchException(
            "There are no default targetModules for this family of models: name them; its linear layers are named %s, and \"all-linear\" stands for all"
                .formatted(model.linearSuffixes()));
      }
      LOG.info("targetModules: none named, so {} are adapted", defaultTargets);
      return new TargetModules.Names(defaultTargets);
    }
    return targets;
  }

  /** PEFT matches with, and saves, the short list. */
  private static TargetModules shorten(KnownModules model, TargetModules targets) {
    if (!(targets instanceof TargetModules.Names given)
        || given.names().size() < MinimalSuffixes.FEWEST_NAMES) {
      return targets;
    }
    Set<String> names = Set.copyOf(given.names());
    List<String> others =
        model.names().stream().filter(module -> !KnownModules.isNamed(module, names)).toList();
    Set<String> minimal = MinimalSuffixes.of(given.names(), others);
    return minimal.size() < given.names().size()
        ? new TargetModules.Names(List.copyOf(minimal))
        : targets;
  }

  private static List<AdapterTarget> withRanks(LoraConfig config, List<String> names) {
    KeyPatterns<Integer> ranks = new KeyPatterns<>("rankPattern", config.rankPattern());
    KeyPatterns<Double> alphas = new KeyPatterns<>("alphaPattern", config.alphaPattern());
    List<AdapterTarget> targets = new ArrayList<>();
    for (String name : names) {
      int r = ranks.valueFor(name, config.r());
      double alpha = alphas.valueFor(name, config.loraAlpha());
      targets.add(new AdapterTarget(name, r, alpha, config.scaling(r, alpha)));
    }
    return List.copyOf(targets);
  }
}
