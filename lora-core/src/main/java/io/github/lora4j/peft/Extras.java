package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.nn.BiasedLinear;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an adapter trains and saves besides low-rank updates: whole modules, biases, rows of tokens.
 */
final class Extras {

  private static final Logger LOG = LoggerFactory.getLogger(Extras.class);

  /** The names that make PEFT save the base's tables too: its EMBEDDING_LAYER_NAMES. */
  private static final List<String> TABLES = List.of("embed_tokens", "lm_head");

  private final BaseLayers base;
  private final LoraConfig config;

  Extras(BaseLayers base, LoraConfig config) {
    this.base = base;
    this.config = config;
  }

  // ---- which

  /** The configuration with the table instead of the head that follows it, as PEFT writes it. */
  LoraConfig tied() {
    if (!config.ensureWeightTying()) {
      return config;
    }
    if (!base.isTied()) {
      LOG.warn("ensureWeightTying means nothing here: this model's head isn't tied.");
      return config;
    }
    String table = base.inputs().name();
    List<String> saved = new ArrayList<>(config.modulesToSave());
    boolean named =
        saved.stream().anyMatch(name -> table.endsWith(name) || base.headName().endsWith(name));
    if (!named) {
      return config;
    }
    if (!saved.contains(table)) {
      saved.add(table);
    }
    saved.removeIf(name -> base.headName().endsWith(name));
    return config.toBuilder().modulesToSave(saved.toArray(new String[0])).build();
  }

  /** The same with biases and tokens. */
  MatchedModules added(MatchedModules matched) {
    MatchedModules all = matched.with(biases(matched), tokens());
    for (String module : all.tokens().keySet()) {
      if (all.isTarget(module) || all.saved().contains(module)) {
        throw new AdapterMismatchException(
            "trainableTokenIndices: "
                + module
                + " is in targetModules or modulesToSave too: leave it out of one of them");
      }
    }
    boolean tiesTargets =
        config.ensureWeightTying()
            && base.isTied()
            && (all.isTarget(base.inputs().name()) || all.isTarget(base.headName()));
    if (tiesTargets) {
      throw new AdapterMismatchException(
          "ensureWeightTying with an embedding or a tied head among targetModules is not built yet:"
              + " leave it out, or train the embedding with modulesToSave");
    }
    return all;
  }

  private List<String> biases(MatchedModules matched) {
    if (config.bias() == Bias.NONE) {
      return List.of();
    }
    List<String> found = new ArrayList<>();
    for (String name : base.names()) {
      boolean wanted = config.bias() == Bias.ALL || matched.isTarget(name);
      if (wanted && !matched.saved().contains(name) && biasOf(name).isPresent()) {
        found.add(name);
      }
    }
    return found;
  }

  private Optional<Tensor> biasOf(String name) {
    if (base.isLinear(name)) {
      LinearLayer layer = base.linear(name);
      Optional<Tensor> bias = BaseWeights.bias(layer);
      if (bias.isPresent() && !(layer instanceof BiasedLinear)) {
        throw new AdapterMismatchException(
            "bias: that of "
                + name
                + " can't be trained beside a "
                + layer.getClass().getSimpleName());
      }
      return bias;
    }
    return base.norm(name).map(norm -> parameters(norm::forEachParameter).get(name + ".bias"));
  }

  private Map<String, List<Integer>> tokens() {
    TrainableTokens given = config.trainableTokenIndices();
    Map<String, List<Integer>> found = new LinkedHashMap<>();
    if (!given.ofInputs().isEmpty()) {
      found.put(base.inputs().name(), given.ofInputs());
    }
    given
        .byModule()
        .forEach(
            (module, tokens) -> {
              List<String> named =
                  base.names().stream()
                      .filter(name -> name.endsWith(module))
                      .filter(name -> base.embedding(name).isPresent() || base.isLinear(name))
                      .toList();
              if (named.isEmpty()) {
                throw new AdapterMismatchException(
                    "trainableTokenIndices: no embedding and no linear layer is named " + module);
              }
              named.forEach(name -> found.put(name, tokens));
            });
    if (base.isTied() && found.containsKey(base.headName())) {
      List<Integer> ofHead = found.remove(base.headName());
      if (!ofHead.equals(found.get(base.inputs().name()))) {
        throw new AdapterMismatchException(
            "trainableTokenIndices: the head is tied to %s, so both train the same tokens; found %s and %s"
                .formatted(base.inputs().name(), ofHead, found.get(base.inputs().name())));
      }
    }
    found.forEach(this::requireKnown);
    return found;
  }

  private void requireKnown(String module, List<Integer> tokens) {
    long rows =
        base.embedding(module)
            .map(EmbeddingLayer::numEmbeddings)
            .orElseGet(() -> base.linear(module).outFeatures());
    for (int token : tokens) {
      if (token >= rows) {
        throw new AdapterMismatchException(
            "trainableTokenIndices: %s has %d rows, so there is no token %d"
                .formatted(module, rows, token));
      }
    }
  }

  // ---- what they are in the base

  /**
   * What an adapter has copies of, by the names in PEFT's files without the prefix: the base's own
   * tensors, or, for tokens, rows in the caller's scope.
   */
  Map<String, Tensor> replaced(MatchedModules matched) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    for (String name : matched.saved()) {
      if (base.embedding(name).isPresent()) {
        found.put(name + ".weight", AdaptedEmbedding.table(base.embedding(name).get()));
      } else if (base.norm(name).isPresent()) {
        found.putAll(parameters(base.norm(name).get()::forEachParameter));
      } else {
        found.putAll(parameters(base.dense(name)::forEachParameter));
      }
    }
    for (String name : matched.biases()) {
      String key = matched.isTarget(name) ? name + ".base_layer.bias" : name + ".bias";
      biasOf(name).ifPresent(bias -> found.put(key, bias));
    }
    matched
        .tokens()
        .forEach(
            (name, tokens) -> found.put(name + TokenRows.KEY, TokenRows.of(table(name), tokens)));
    return found;
  }

  private Tensor table(String name) {
    return base.embedding(name)
        .map(AdaptedEmbedding::table)
        .orElseGet(() -> BaseWeights.weight(base.linear(name)));
  }

  /**
   * The base's tables that PEFT saves because adapters stand beside them, by the names in its
   * files.
   */
  Map<String, Tensor> savedOfBase(MatchedModules matched) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    if (!config.trainableTokenIndices().isEmpty() || !targetsTable(matched)) {
      return found;
    }
    for (String name : List.of(base.inputs().name(), base.headName())) {
      if (!matched.isTarget(name)) {
        continue;
      }
      Map<String, Tensor> own =
          base.embedding(name).isPresent()
              ? parameters(base.embedding(name).get()::forEachParameter)
              : base.linear(name) instanceof DenseLinear dense
                  ? parameters(dense::forEachParameter)
                  : Map.of();
      own.forEach(
          (key, tensor) -> found.put(name + ".base_layer" + key.substring(name.length()), tensor));
      matched.biases().forEach(biased -> found.remove(biased + ".base_layer.bias"));
    }
    return found;
  }

  private boolean targetsTable(MatchedModules matched) {
    if (matched.targetModules() instanceof TargetModules.Names given) {
      return given.names().stream().anyMatch(TABLES::contains);
    }
    return matched.targets().stream()
        .anyMatch(
            target -> TABLES.stream().anyMatch(t -> ("." + target.module()).endsWith("." + t)));
  }

  /** Names of a head that holds the same as the table that it follows. */
  Map<String, String> tiedKeys(MatchedModules matched) {
    String table = base.inputs().name();
    return config.ensureWeightTying() && base.isTied() && matched.saved().contains(table)
        ? Map.of(base.headName() + ".weight", table + ".weight")
        : Map.of();
  }

  private static Map<String, Tensor> parameters(Consumer<BiConsumer<String, Tensor>> layer) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    layer.accept(found::put);
    return found;
  }
}
