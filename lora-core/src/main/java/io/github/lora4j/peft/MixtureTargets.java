package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.model.MlpSpec;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Turns the names that experts and routers had in transformers 4, where they were linear layers,
 * into {@code targetParameters}, as PEFT does for a model with a mixture of experts.
 *
 * <p>An expert's gate and up projection are one parameter now: both must be targets, and its update
 * gets twice the rank and alpha, so that an old adapter fits into it. {@code all-linear} stands for
 * the experts and the router too; it doesn't reach the MLPs of layers without a mixture, whose
 * projections have the experts' names: {@code targetParameters} can name their weights. All this is
 * PEFT's.
 *
 * <p>Unlike in PEFT, a regular expression keeps its layers: PEFT reduces it to the last parts of
 * the names that it matches. And where nothing is said at all, the family's default counts.
 */
final class MixtureTargets {

  private final LoraConfig config;
  private final DecoderModel base;
  private final MlpSpec.Experts mixture;
  private final Map<String, String> parameterOf = new LinkedHashMap<>();
  private final Set<String> modules = new TreeSet<>();
  private final Set<String> parameters;
  private final Set<String> halves = new TreeSet<>();

  private MixtureTargets(LoraConfig config, DecoderModel base, MlpSpec.Experts mixture) {
    this.config = config;
    this.base = base;
    this.mixture = mixture;
    this.parameters = new LinkedHashSet<>(config.targetParameters());
    MlpSpec.StoredExpert old = mixture.stored();
    parameterOf.put(last(mixture.router()), last(mixture.router()) + ".weight");
    parameterOf.put(old.gate(), last(mixture.gateUp()));
    parameterOf.put(old.up(), last(mixture.gateUp()));
    parameterOf.put(old.down(), last(mixture.down()));
  }

  /** The configuration as PEFT has it after putting it on this model. */
  static LoraConfig resolve(LoraConfig config, DecoderModel base, KnownModules modules) {
    Optional<MlpSpec.Experts> mixture =
        base.spec().blocks().stream()
            .flatMap(
                block ->
                    block.mlp() instanceof MlpSpec.Experts found
                        ? Optional.of(found).stream()
                        : Optional.<MlpSpec.Experts>empty().stream())
            .findFirst();
    return mixture.isEmpty()
        ? config
        : new MixtureTargets(config, base, mixture.get()).resolve(modules);
  }

  private LoraConfig resolve(KnownModules known) {
    TargetModules targets = config.targetModules();
    if (targets instanceof TargetModules.ModelDefault && config.targetParameters().isEmpty()) {
      return config;
    }
    if (targets instanceof TargetModules.Names given) {
      given.names().forEach(name -> add(name));
    } else if (targets instanceof TargetModules.AllLinear) {
      known.entries().stream()
          .filter(module -> module.kind() == ModuleEntry.Kind.LINEAR)
          .map(module -> last(module.name()))
          .forEach(name -> add(name));
      parameterOf.keySet().forEach(name -> add(name));
    } else if (targets instanceof TargetModules.Regex regex) {
      addMatches(PythonRegex.of("targetModules", regex.pattern()), known);
      if (modules.isEmpty() && parameters.size() == config.targetParameters().size()) {
        return config;
      }
    }
    return rewritten();
  }

  /** Takes a target by its last part: as a parameter's where it was an expert's, else as it is. */
  private void add(String target) {
    String name = last(target);
    String parameter = parameterOf.get(name);
    if (parameter == null) {
      modules.add(target);
    } else {
      parameters.add(parameter);
      halves.add(name);
    }
  }

  private void addMatches(PythonRegex regex, KnownModules known) {
    Set<String> routers = new TreeSet<>();
    for (int layer = 0; layer < base.spec().numHiddenLayers(); layer++) {
      if (base.spec().blocks().get(layer).mlp() instanceof MlpSpec.Experts experts) {
        String router = base.spec().inLayer(layer, experts.router());
        routers.add(router);
        if (matches(regex, router)) {
          parameters.add(router + ".weight");
        }
        String container = base.spec().inLayer(layer, experts.experts());
        for (String old :
            List.of(mixture.stored().gate(), mixture.stored().up(), mixture.stored().down())) {
          if (matches(regex, container + "." + old) || matches(regex, container + ".0." + old)) {
            parameters.add(container + "." + parameterOf.get(old));
            halves.add(old);
          }
        }
      }
    }
    known.names().stream()
        .filter(name -> !routers.contains(name) && regex.matches(name))
        .forEach(this::addMatch);
  }

  /** A layer without a mixture can have the names too; PEFT reaches it by its parameter alone. */
  private void addMatch(String module) {
    if (parameterOf.containsKey(last(module))) {
      parameters.add(module + ".weight");
    } else {
      modules.add(module);
    }
  }

  /** Whether a pattern matches a module by today's name or by that in files. */
  private boolean matches(PythonRegex regex, String module) {
    String stored = base.family().storedName(module + ".weight");
    return regex.matches(module)
        || regex.matches(stored.substring(0, stored.length() - ".weight".length()));
  }

  private LoraConfig rewritten() {
    boolean gate = halves.contains(mixture.stored().gate());
    boolean up = halves.contains(mixture.stored().up());
    if (gate != up) {
      throw new AdapterMismatchException(
          "targetModules: %s can't be adapted without %s: they are one parameter of the experts, %s"
              .formatted(
                  gate ? mixture.stored().gate() : mixture.stored().up(),
                  gate ? mixture.stored().up() : mixture.stored().gate(),
                  last(mixture.gateUp())));
    }
    LoraConfigBuilder builder =
        config.toBuilder()
            .targetModules(new TargetModules.Names(List.copyOf(modules)))
            .targetParameters(parameters.toArray(new String[0]));
    if (gate) {
      String key = ".*\\." + last(mixture.gateUp());
      builder.rankPattern(key, 2 * config.r()).alphaPattern(key, 2 * config.loraAlpha());
    }
    return builder.build();
  }

  private static String last(String name) {
    return name.substring(name.lastIndexOf('.') + 1);
  }
}
