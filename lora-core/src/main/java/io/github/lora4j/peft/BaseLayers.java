package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.model.MlpSpec;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ExpertLinear;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The modules of a model that is to get an adapter. */
final class BaseLayers {

  private static final Logger LOG = LoggerFactory.getLogger(BaseLayers.class);

  private final DecoderModel base;
  private final Map<String, LinearLayer> linears = new LinkedHashMap<>();
  private final Map<String, LinearLayer> routers = new LinkedHashMap<>();
  private final Map<String, ExpertLinear> experts = new LinkedHashMap<>();
  private final Set<String> names = new LinkedHashSet<>();

  private BaseLayers(DecoderModel base) {
    this.base = base;
    base.linearLayers().forEach(layer -> linears.put(layer.name(), layer));
    base.withLinears(new Collector());
  }

  /**
   * Looks at a model.
   *
   * @throws IllegalStateException if an adapter can't stand around it: it has one already, or
   *     learns itself
   */
  static BaseLayers of(DecoderModel base) {
    BaseLayers layers = new BaseLayers(base);
    if (layers.linears.values().stream()
            .anyMatch(layer -> layer instanceof AdaptedLinear || layer instanceof RowLinear)
        || layers.routers.values().stream().anyMatch(AdaptedLinear.class::isInstance)
        || layers.experts.values().stream().anyMatch(AdaptedExperts.class::isInstance)) {
      throw new IllegalStateException(
          "This model is seen through an adapter already; wrap its baseModel(), or what"
              + " mergeAndUnload() gives.");
    }
    if (!base.trainableParameters().isEmpty()) {
      throw new IllegalStateException(
          "The base model's own parameters are set to learn, and an adapter needs them frozen: call"
              + " requiresGrad(false) on it first.");
    }
    return layers;
  }

  /** The names of all layers and parameters that adapters can stand beside, in order. */
  Set<String> names() {
    return Collections.unmodifiableSet(names);
  }

  /** A linear layer or a router. */
  LinearLayer linear(String name) {
    return Objects.requireNonNull(linears.getOrDefault(name, routers.get(name)), name);
  }

  /** The parameter of experts. */
  ExpertLinear experts(String name) {
    return Objects.requireNonNull(experts.get(name), name);
  }

  /** How many dimensions a layer's input has: a classifier's head sees one vector a sequence. */
  int dimsOfInput(String name) {
    return base instanceof SequenceClassifier && name.equals(base.headName()) ? 2 : 3;
  }

  /**
   * A linear layer that is to be trained whole.
   *
   * @throws AdapterMismatchException if its weight isn't dense
   */
  DenseLinear dense(String name) {
    LinearLayer layer = Objects.requireNonNull(linears.get(name), name);
    if (layer instanceof DenseLinear dense) {
      return dense;
    }
    throw new AdapterMismatchException(
        "modulesToSave: "
            + name
            + " can be trained whole only where its weight is dense, found "
            + layer.getClass().getSimpleName());
  }

  /**
   * Completes a configuration that somebody wrote for this model.
   *
   * @throws AdapterMismatchException if it is for models of another kind
   */
  LoraConfig completed(LoraConfig config) {
    boolean classifies = base instanceof SequenceClassifier;
    boolean causal = config.taskType().filter(TaskType.CAUSAL_LM::equals).isPresent();
    if (classifies && causal) {
      throw new AdapterMismatchException(
          "taskType is CAUSAL_LM, but " + base + " classifies sequences: set it to SEQ_CLS");
    }
    LoraConfig complete = SavedModules.complete(config);
    if (base instanceof SequenceClassifier classifier
        && classifier.headIsFresh()
        && !complete.modulesToSave().contains(base.headName())) {
      LOG.warn(
          "{} is newly initialized and stays as it is: without taskType(SEQ_CLS), or"
              + " modulesToSave(\"{}\"), it is not trained",
          base.headName(),
          base.headName());
    }
    return complete;
  }

  MatchedModules match(LoraConfig config, NameCheck check) {
    return ModuleMatcher.match(
        modules(), parameters(), config, base.family().defaultTargetModules(), check);
  }

  /** What a file must hold of the updates. */
  List<ExpectedUpdate> expected(MatchedModules matched) {
    UnaryOperator<String> older = base.family()::storedName;
    List<ExpectedUpdate> expected = new ArrayList<>();
    for (AdapterTarget target : matched.targets()) {
      LinearLayer layer = linear(target.module());
      expected.add(
          new AdapterWeightsFile.Expected(
              target.module(), target.r(), layer.inFeatures(), layer.outFeatures(), older));
    }
    for (ExpertTarget target : matched.experts()) {
      expected.add(new ExpectedExperts(target, experts(target.parameter()), older));
    }
    return expected;
  }

  /** The configuration with the names that experts have today. */
  LoraConfig withExperts(LoraConfig config) {
    return MixtureTargets.resolve(config, base, new KnownModules(modules()));
  }

  private List<ModuleEntry> modules() {
    return base.moduleNames().stream().map(name -> new ModuleEntry(name, kind(name))).toList();
  }

  /** What {@code targetParameters} can name. */
  private List<ParameterEntry> parameters() {
    List<ParameterEntry> parameters = new ArrayList<>();
    for (int layer = 0; layer < base.spec().numHiddenLayers(); layer++) {
      if (base.spec().blocks().get(layer).mlp() instanceof MlpSpec.Experts mlp) {
        String container = base.spec().inLayer(layer, mlp.experts());
        MlpSpec.StoredExpert stored = mlp.stored();
        parameters.add(
            new ParameterEntry(
                base.spec().inLayer(layer, mlp.gateUp()),
                container,
                List.of(stored.gate(), stored.up())));
        parameters.add(
            new ParameterEntry(
                base.spec().inLayer(layer, mlp.down()), container, List.of(stored.down())));
      }
    }
    routers.keySet().forEach(name -> parameters.add(ParameterEntry.weightOf(name)));
    linears.forEach(
        (name, layer) -> {
          if (layer instanceof DenseLinear dense && !dense.isInputFirst()) {
            parameters.add(ParameterEntry.weightOf(name));
          }
        });
    return List.copyOf(parameters);
  }

  /** Changes nothing, but takes down what {@link DecoderModel#linearLayers} leaves out. */
  private final class Collector implements LayerChange {

    @Override
    public LinearLayer apply(LinearLayer layer) {
      names.add(layer.name());
      return layer;
    }

    @Override
    public LinearLayer router(LinearLayer router) {
      names.add(router.name());
      routers.put(router.name(), router);
      return router;
    }

    @Override
    public ExpertLinear experts(ExpertLinear layer) {
      names.add(layer.name());
      experts.put(layer.name(), layer);
      return layer;
    }
  }

  private ModuleEntry.Kind kind(String name) {
    if (name.equals(base.headName())) {
      return ModuleEntry.Kind.OUTPUT_HEAD;
    }
    if (linears.containsKey(name)) {
      return ModuleEntry.Kind.LINEAR;
    }
    return name.equals(base.spec().embedding().name())
        ? ModuleEntry.Kind.EMBEDDING
        : ModuleEntry.Kind.OTHER;
  }
}
