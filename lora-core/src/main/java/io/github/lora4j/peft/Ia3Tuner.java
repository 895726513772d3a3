package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Vectors that scale what linear layers give or are given. */
final class Ia3Tuner implements Tuner {

  static final String PREFIX = "base_model.model.";

  private final Ia3Config config;
  private final TargetModules targetModules;
  private final Map<String, Ia3Linear> layers = new LinkedHashMap<>();
  private final SavedCopies saved;
  private final boolean inputFirst;

  /** Makes the adapter or reads it. */
  Ia3Tuner(TunerModules modules, Ia3Config given, TunerSource source) {
    this.config = completed(modules, given);
    List<DenseLinear> copied =
        modules.saved(given.modulesToSave(), config.modulesToSave(), source.check());
    MatchedModules matched =
        ModuleMatcher.match(
            modules.entries(),
            LoraConfig.builder()
                .targetModules(config.targetModules())
                .excludeModules(config.excludeModules())
                .modulesToSave(copied.stream().map(DenseLinear::name).toArray(String[]::new))
                .build(),
            TunerDefaults.ia3Targets(modules.modelType()),
            source.check());
    this.targetModules = matched.targetModules();
    Predicate<String> feedforward = feedforward(config.feedforwardModules());
    Map<String, TunerSource.Parameter> expected = new LinkedHashMap<>();
    for (AdapterTarget target : matched.targets()) {
      LinearLayer layer = modules.linear(target.module());
      long[] shape = Ia3Linear.shape(layer, feedforward.test(layer.name()));
      expected.put(fileName(layer), TunerSource.Parameter.of(shape, () -> fresh(source, shape)));
    }
    SavedCopies.expect(copied, PREFIX, expected);
    Map<String, Tensor> parameters = source.parameters(expected, modules.base().device());
    for (AdapterTarget target : matched.targets()) {
      LinearLayer layer = modules.linear(target.module());
      layers.put(
          layer.name(),
          new Ia3Linear(layer, parameters.get(fileName(layer)), feedforward.test(layer.name())));
    }
    this.saved = new SavedCopies(copied, PREFIX, parameters);
    this.inputFirst =
        layers.values().stream()
            .anyMatch(layer -> layer.base() instanceof DenseLinear d && d.isInputFirst());
  }

  private static Ia3Config completed(TunerModules modules, Ia3Config given) {
    TargetModules feedforward = given.feedforwardModules();
    if (feedforward instanceof TargetModules.ModelDefault) {
      List<String> names = TunerDefaults.ia3Feedforward(modules.modelType());
      if (names.isEmpty()) {
        throw new AdapterMismatchException(
            "PEFT has no default feedforwardModules for this family of models ("
                + modules.modelType()
                + "): name the targets whose input is to be scaled, usually the last layer of the"
                + " MLP; TargetModules.names() stands for none");
      }
      feedforward = new TargetModules.Names(amongTargets(names, given.targetModules()));
    }
    return new Ia3Config(
        given.targetModules(),
        given.excludeModules(),
        feedforward,
        modules.savedNames(given.modulesToSave(), given.taskType()),
        given.initIa3Weights(),
        given.taskType(),
        given.baseModelNameOrPath(),
        given.revision());
  }

  /** PEFT wants those of a file to be among the targets, but writes its defaults as they are. */
  private static List<String> amongTargets(List<String> defaults, TargetModules targets) {
    return targets instanceof TargetModules.Names given
        ? given.names().stream().filter(name -> defaults.stream().anyMatch(name::endsWith)).toList()
        : defaults;
  }

  /** Names are compared with ends of modules' names, wherever a part of those begins. */
  private static Predicate<String> feedforward(TargetModules modules) {
    if (modules instanceof TargetModules.Regex regex) {
      return PythonRegex.of("feedforwardModules", regex.pattern())::matches;
    }
    List<String> names = modules instanceof TargetModules.Names n ? n.names() : List.of();
    return module -> names.stream().anyMatch(module::endsWith);
  }

  private Tensor fresh(TunerSource source, long[] shape) {
    return config.initIa3Weights() || !(source instanceof TunerSource.Fresh drawn)
        ? Tensor.full(1, DType.F32, Device.CPU, shape)
        : Tensor.normal(0, 1, drawn.generator(), shape);
  }

  private static String fileName(LinearLayer layer) {
    return PREFIX + layer.name() + Ia3Linear.SUFFIX;
  }

  @Override
  public Ia3Config config() {
    return config;
  }

  @Override
  public DecoderModel view(DecoderModel base) {
    return base.withLinears(
        layer ->
            layers.containsKey(layer.name()) ? layers.get(layer.name()) : saved.replace(layer));
  }

  @Override
  public Map<String, Tensor> tensors() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    layers.values().forEach(layer -> tensors.put(fileName(layer), layer.vector()));
    saved.forEach(PREFIX, tensors::put);
    return tensors;
  }

  @Override
  public Map<String, @Nullable Object> keys() {
    Map<String, @Nullable Object> keys = new LinkedHashMap<>();
    keys.put("target_modules", ConfigValues.modules(targetModules));
    keys.put("exclude_modules", ConfigValues.modulesOrNull(config.excludeModules()));
    keys.put("feedforward_modules", ConfigValues.modules(config.feedforwardModules()));
    keys.put("fan_in_fan_out", inputFirst);
    keys.put("modules_to_save", ConfigValues.nullIfEmpty(config.modulesToSave()));
    keys.put("init_ia3_weights", config.initIa3Weights());
    return keys;
  }

  @Override
  public List<String> targets() {
    return List.copyOf(layers.keySet());
  }

  @Override
  public LayerChange unloading(boolean safe) {
    return layer -> {
      Ia3Linear own = layers.get(layer.name());
      return own == null ? saved.unloaded(layer, safe) : own.unloaded(safe);
    };
  }

  @Override
  public void close() {
    layers.values().forEach(Ia3Linear::close);
    saved.close();
  }
}
