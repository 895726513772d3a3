package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.model.MlpSpec;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.ExpertLinear;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.Norm;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The modules of a model that is to get an adapter. */
final class BaseLayers {

  private static final Logger LOG = LoggerFactory.getLogger(BaseLayers.class);

  private final DecoderModel base;
  private final Collector collector = new Collector();
  private final Map<String, LinearLayer> linears = new LinkedHashMap<>();
  private final Map<String, LinearLayer> routers = new LinkedHashMap<>();
  private final Map<String, ExpertLinear> experts = new LinkedHashMap<>();
  private final Map<String, EmbeddingLayer> embeddings = new LinkedHashMap<>();
  private final Map<String, Norm> norms = new LinkedHashMap<>();
  private final Set<String> names = new LinkedHashSet<>();

  private BaseLayers(DecoderModel base) {
    this.base = base;
    base.linearLayers().forEach(layer -> linears.put(layer.name(), layer));
    base.withLinears(collector);
  }

  /**
   * Looks at a model.
   *
   * @throws IllegalStateException if an adapter can't stand around it: it has one already, or
   *     learns itself
   */
  static BaseLayers of(DecoderModel base) {
    BaseLayers layers = new BaseLayers(base);
    if (layers.collector.isAdapted) {
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

  boolean isLinear(String name) {
    return linears.containsKey(name) || routers.containsKey(name);
  }

  /** The table of this name, if there is one. */
  Optional<EmbeddingLayer> embedding(String name) {
    return Optional.ofNullable(embeddings.get(name));
  }

  /** The norm of this name, if there is one. */
  Optional<Norm> norm(String name) {
    return Optional.ofNullable(norms.get(name));
  }

  /** The table of tokens. */
  EmbeddingLayer inputs() {
    return Objects.requireNonNull(embeddings.get(base.spec().embedding().name()));
  }

  /** Whether the head multiplies by the table of tokens. */
  boolean isTied() {
    return base instanceof CausalLM && base.spec().tieWordEmbeddings();
  }

  String headName() {
    return base.headName();
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
    LoraConfig complete = SavedModules.complete(tied(config));
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

  /** The configuration of an adapter out of a file, as PEFT would complete it. */
  LoraConfig loaded(LoraConfig config) {
    return withExperts(SavedModules.complete(tied(config)));
  }

  private LoraConfig tied(LoraConfig config) {
    return new Extras(this, config).tied();
  }

  MatchedModules match(LoraConfig config, NameCheck check) {
    MatchedModules matched =
        ModuleMatcher.match(
            modules(), parameters(), config, base.family().defaultTargetModules(), check);
    return new Extras(this, config).added(matched);
  }

  /** What a file must hold. */
  AdapterWeightsFile.Contained contained(LoraConfig config, MatchedModules matched) {
    Map<String, List<Long>> others = new LinkedHashMap<>();
    try (TensorScope scope = TensorScope.open()) {
      Extras extras = new Extras(this, config);
      extras
          .replaced(matched)
          .forEach(
              (key, original) -> others.put(key, Arrays.stream(original.shape()).boxed().toList()));
      return new AdapterWeightsFile.Contained(
          expected(config, matched), others, extras.tables(matched), extras.tiedKeys(matched));
    }
  }

  private List<ExpectedUpdate> expected(LoraConfig config, MatchedModules matched) {
    UnaryOperator<String> older = base.family()::storedName;
    List<ExpectedUpdate> expected = new ArrayList<>();
    for (AdapterTarget target : matched.targets()) {
      EmbeddingLayer table = embeddings.get(target.module());
      if (table != null) {
        expected.add(
            new ExpectedTable(
                target.module(),
                target.r(),
                table.numEmbeddings(),
                table.embeddingDim(),
                config.useDora()));
        continue;
      }
      LinearLayer layer = linear(target.module());
      expected.add(
          new AdapterWeightsFile.Expected(
              target.module(),
              target.r(),
              layer.inFeatures(),
              layer.outFeatures(),
              config.loraBias(),
              config.useDora(),
              older));
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

  /** Changes nothing, but takes down what there is. */
  private final class Collector implements LayerChange {
    private boolean isAdapted;

    @Override
    public LinearLayer apply(LinearLayer layer) {
      return seen(layer.name(), layer);
    }

    @Override
    public LinearLayer router(LinearLayer router) {
      routers.put(router.name(), router);
      return seen(router.name(), router);
    }

    @Override
    public ExpertLinear experts(ExpertLinear layer) {
      experts.put(layer.name(), layer);
      return seen(layer.name(), layer);
    }

    @Override
    public EmbeddingLayer embedding(EmbeddingLayer table) {
      embeddings.put(table.name(), table);
      return seen(table.name(), table);
    }

    @Override
    public Norm norm(Norm norm) {
      norms.put(norm.name(), norm);
      return seen(norm.name(), norm);
    }

    private <T> T seen(String name, T layer) {
      names.add(name);
      isAdapted |=
          layer instanceof AdaptedLayer
              || layer instanceof RowLinear
              || layer instanceof RowEmbedding
              || layer instanceof RowNorm;
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
    if (embeddings.containsKey(name)) {
      return ModuleEntry.Kind.EMBEDDING;
    }
    return norms.containsKey(name) ? ModuleEntry.Kind.NORM : ModuleEntry.Kind.OTHER;
  }
}
