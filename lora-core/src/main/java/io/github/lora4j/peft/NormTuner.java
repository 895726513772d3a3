package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.Norm;
import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Norms that are trained whole. */
final class NormTuner implements Tuner {

  private static final String PREFIX = Ia3Tuner.PREFIX;

  /** What PEFT puts between a norm's name and its parameter's. */
  private static final String INFIX = ".ln_tuning_layers";

  private final LnTuningConfig config;
  private final TargetModules targets;
  private final Map<String, NormCopy> norms = new LinkedHashMap<>();
  private final SavedCopies saved;

  /** Makes the adapter or reads it. */
  NormTuner(TunerModules modules, LnTuningConfig given, TunerSource source) {
    List<String> savedNames = modules.savedNames(given.modulesToSave(), given.taskType());
    this.config =
        new LnTuningConfig(
            given.targetModules(),
            given.excludeModules(),
            savedNames,
            given.taskType(),
            given.baseModelNameOrPath(),
            given.revision());
    this.targets = named(modules, given.targetModules());
    List<Norm> matched = matched(modules, source.check());
    List<DenseLinear> copied = modules.saved(given.modulesToSave(), savedNames, source.check());
    Map<String, TunerSource.Parameter> expected = new LinkedHashMap<>();
    for (Norm norm : matched) {
      norm.forEachParameter(
          (name, tensor) ->
              expected.put(fileName(norm, name), TunerSource.Parameter.copyOf(tensor)));
    }
    SavedCopies.expect(copied, PREFIX, expected);
    Map<String, Tensor> parameters = source.parameters(expected, modules.base().device());
    for (Norm norm : matched) {
      Map<String, Tensor> own = new LinkedHashMap<>();
      norm.forEachParameter((name, tensor) -> own.put(name, parameters.get(fileName(norm, name))));
      norms.put(norm.name(), NormCopy.of(norm, own, INFIX));
    }
    this.saved = new SavedCopies(copied, PREFIX, parameters);
  }

  private static TargetModules named(TunerModules modules, TargetModules given) {
    if (!(given instanceof TargetModules.ModelDefault)) {
      return given;
    }
    List<String> names = TunerDefaults.norms(modules.modelType());
    if (names.isEmpty()) {
      throw new AdapterMismatchException(
          "PEFT has no default norms for this family of models ("
              + modules.modelType()
              + "): name them in targetModules; its norms are named "
              + KnownModules.shown(lastParts(modules.base().norms())));
    }
    return new TargetModules.Names(names);
  }

  private List<Norm> matched(TunerModules modules, NameCheck check) {
    List<Norm> all = modules.base().norms();
    Predicate<String> wanted =
        matching("targetModules", targets)
            .and(matching("excludeModules", config.excludeModules()).negate());
    List<Norm> found = all.stream().filter(norm -> wanted.test(norm.name())).toList();
    List<String> problems = new ArrayList<>();
    if (config.targetModules() instanceof TargetModules.Names given && check == NameCheck.STRICT) {
      for (String name : given.names()) {
        if (all.stream().noneMatch(norm -> KnownModules.isNamed(norm.name(), Set.of(name)))) {
          problems.add(
              "no norm is named "
                  + name
                  + KnownModules.didYouMean(name, all.stream().map(Norm::name).toList()));
        }
      }
    }
    if (found.isEmpty()) {
      problems.add("no norm matches; they are named " + KnownModules.shown(lastParts(all)));
    }
    if (!problems.isEmpty()) {
      throw new AdapterMismatchException("targetModules: " + String.join("; ", problems));
    }
    return found;
  }

  private static List<String> lastParts(List<Norm> norms) {
    return norms.stream()
        .map(norm -> norm.name().substring(norm.name().lastIndexOf('.') + 1))
        .distinct()
        .toList();
  }

  private static Predicate<String> matching(String field, TargetModules modules) {
    if (modules instanceof TargetModules.Regex regex) {
      return PythonRegex.of(field, regex.pattern())::matches;
    }
    Set<String> names =
        modules instanceof TargetModules.Names given ? Set.copyOf(given.names()) : Set.of();
    return module -> KnownModules.isNamed(module, names);
  }

  private static String fileName(Norm norm, String parameter) {
    return PREFIX + norm.name() + INFIX + parameter.substring(norm.name().length());
  }

  @Override
  public LnTuningConfig config() {
    return config;
  }

  @Override
  public DecoderModel view(DecoderModel base) {
    return base.withLinears(
        new LayerChange() {
          @Override
          public LinearLayer apply(LinearLayer layer) {
            return saved.replace(layer);
          }

          @Override
          public Norm norm(Norm norm) {
            return norms.containsKey(norm.name()) ? norms.get(norm.name()) : norm;
          }
        });
  }

  @Override
  public Map<String, Tensor> tensors() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    norms
        .values()
        .forEach(
            norm ->
                norm.forEachParameter(
                    norm.name(), (name, tensor) -> tensors.put(PREFIX + name, tensor)));
    saved.forEach(PREFIX, tensors::put);
    return tensors;
  }

  @Override
  public Map<String, @Nullable Object> keys() {
    Map<String, @Nullable Object> keys = new LinkedHashMap<>();
    keys.put("target_modules", ConfigValues.modules(targets));
    keys.put("exclude_modules", ConfigValues.modulesOrNull(config.excludeModules()));
    keys.put("modules_to_save", ConfigValues.nullIfEmpty(config.modulesToSave()));
    return keys;
  }

  @Override
  public List<String> targets() {
    return List.copyOf(norms.keySet());
  }

  @Override
  public LayerChange unloading(boolean safe) {
    return new LayerChange() {
      @Override
      public LinearLayer apply(LinearLayer layer) {
        return saved.unloaded(layer, safe);
      }

      @Override
      public Norm norm(Norm norm) {
        NormCopy own = norms.get(norm.name());
        return own == null ? norm : own.merged(safe);
      }
    };
  }

  @Override
  public void close() {
    norms.values().forEach(NormCopy::close);
    saved.close();
  }
}
