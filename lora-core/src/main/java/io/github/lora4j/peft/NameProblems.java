package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.peft.ModuleRule.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Collects what is wrong with the names in a configuration, to say it all at once.
 *
 * <p>PEFT accepts a misspelt target as long as another one matches, a layer that isn't there, and
 * (with a warning) a rank for a module that isn't adapted. Each changes what is trained, so each is
 * an error here for a configuration that somebody wrote. An exclusion that excludes nothing is a
 * warning: it is often written once for several models.
 */
final class NameProblems {

  private static final Logger LOG = LoggerFactory.getLogger(NameProblems.class);

  private final KnownModules model;
  private final LoraConfig config;
  private final NameCheck check;
  private final List<String> errors = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();
  private boolean linearNamesHelp;

  NameProblems(KnownModules model, LoraConfig config, NameCheck check) {
    this.model = model;
    this.config = config;
    this.check = check;
  }

  /** Targets that are neither linear layers nor embeddings: an error in PEFT too. */
  void unfit(List<ModuleEntry> targets) {
    List<String> names =
        targets.stream().filter(m -> !m.takesUpdates()).map(ModuleEntry::name).toList();
    if (!names.isEmpty()) {
      linearNamesHelp = true;
      errors.add(
          "targetModules matches what is no linear layer and no embedding: %s"
              .formatted(KnownModules.shown(names)));
    }
  }

  void unknownTargets(TargetModules targets) {
    if (targets instanceof TargetModules.Names given) {
      for (String name : given.names()) {
        if (!model.contains(name)) {
          linearNamesHelp = true;
          found("targetModules: no module is named %s%s".formatted(name, hint(name)));
        }
      }
    }
  }

  void unknownParameter(String name, List<ParameterEntry> parameters) {
    List<String> known = parameters.stream().map(ParameterEntry::name).toList();
    found(
        "targetParameters: no parameter of experts, routers or linear layers is named %s%s"
            .formatted(name, KnownModules.didYouMean(name, known)));
  }

  /** An error in PEFT too. */
  void targetedTwice(ParameterEntry parameter) {
    errors.add(
        "%s is named in targetParameters, but its layer is in targetModules too: leave it out of one of them"
            .formatted(parameter.name()));
  }

  void unknownExclusions() {
    TargetModules excluded = config.excludeModules();
    if (excluded instanceof TargetModules.Names given) {
      for (String name : given.names()) {
        if (!model.contains(name)) {
          warnings.add("excludeModules: no module is named %s%s".formatted(name, hint(name)));
        }
      }
    } else if (excluded instanceof TargetModules.Regex regex) {
      PythonRegex pattern = PythonRegex.of("excludeModules", regex.pattern());
      if (model.names().stream().noneMatch(pattern::matches)) {
        warnings.add(
            "excludeModules: \"%s\" matches no module's whole name".formatted(regex.pattern()));
      }
    }
  }

  void unknownLayers() {
    ModuleRule.LayerIndices indices = new ModuleRule.LayerIndices(config);
    if (config.layersToTransform().isEmpty()) {
      return;
    }
    Set<Integer> there = new TreeSet<>();
    model.names().forEach(name -> indices.indexOf(name).ifPresent(there::add));
    List<Integer> missing =
        config.layersToTransform().stream().filter(layer -> !there.contains(layer)).toList();
    if (!missing.isEmpty()) {
      String lists =
          config.layersPattern().isEmpty() ? "" : " under layersPattern " + config.layersPattern();
      found(
          "layersToTransform: there is no layer %s; the layers%s are %s"
              .formatted(missing, lists, there.isEmpty() ? "none" : there));
    }
  }

  void unknownKeys(String field, Map<String, ?> patterns, List<String> targets) {
    for (String key : new KeyPatterns<>(field, patterns).keysOutside(targets)) {
      found(
          "%s: the key \"%s\" matches no layer that is adapted%s"
              .formatted(field, key, keyHint(key, targets)));
    }
  }

  void nothingMatched(TargetModules targets, Set<Verdict> verdicts) {
    StringBuilder problem = new StringBuilder("no layer is adapted: ");
    if (verdicts.contains(Verdict.OTHER_LAYER)) {
      problem.append(
          "layersToTransform %s leaves none of those in %s"
              .formatted(config.layersToTransform(), show(targets)));
    } else if (verdicts.contains(Verdict.EXCLUDED)) {
      problem.append(
          "nothing in %s is left by excludeModules %s and modulesToSave %s"
              .formatted(show(targets), show(config.excludeModules()), config.modulesToSave()));
    } else {
      problem.append("nothing matches %s".formatted(show(targets)));
      if (targets instanceof TargetModules.Regex regex
          && model.names().stream().anyMatch(PythonRegex.of("", regex.pattern())::occursIn)) {
        problem.append("; a pattern has to match whole names: put .* around it");
      }
    }
    linearNamesHelp = true;
    errors.add(problem.toString());
  }

  /**
   * Throws if there were problems.
   *
   * @throws AdapterMismatchException listing all of them
   */
  void report() {
    if (!warnings.isEmpty()) {
      LOG.warn(
          "Names in the configuration that mean nothing here: {}", String.join("; ", warnings));
    }
    if (errors.isEmpty()) {
      return;
    }
    if (linearNamesHelp) {
      errors.add("the model's linear layers are named " + model.linearSuffixes());
    }
    throw new AdapterMismatchException(
        "the configuration does not fit the model:\n- " + String.join("\n- ", errors));
  }

  private void found(String problem) {
    if (check == NameCheck.STRICT) {
      errors.add(problem);
    } else {
      warnings.add(problem);
    }
  }

  private String keyHint(String key, List<String> targets) {
    String name = key.startsWith("^") ? key.substring(1) : key;
    if (name.chars().anyMatch(c -> "*+?[(|\\^$".indexOf(c) >= 0)) {
      return "";
    }
    return model.contains(name)
            && targets.stream().noneMatch(t -> KnownModules.isNamed(t, Set.of(name)))
        ? " (the layer is there, but is not a target)"
        : KnownModules.didYouMean(name, targets);
  }

  private String hint(String name) {
    String near = KnownModules.didYouMean(name, model.linearNames());
    if (!near.isEmpty() || name.chars().noneMatch(c -> "*+?[(|\\^$".indexOf(c) >= 0)) {
      return near;
    }
    return "; a name is not a pattern: TargetModules.regex takes one";
  }

  private static String show(TargetModules modules) {
    return modules instanceof TargetModules.Names given
        ? "[" + KnownModules.shown(given.names()) + "]"
        : modules instanceof TargetModules.Regex regex
            ? "\"" + regex.pattern() + "\""
            : "" + modules;
  }
}
