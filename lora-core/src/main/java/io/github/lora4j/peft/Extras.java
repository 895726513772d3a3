package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.nn.BiasedLinear;
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
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an adapter trains and saves besides low-rank updates: whole modules, biases, rows of tokens.
 */
final class Extras {

  private static final Logger LOG = LoggerFactory.getLogger(Extras.class);

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
    if (!ties()) {
      LOG.warn("ensureWeightTying means nothing here: this model's head isn't tied.");
      return config;
    }
    LoraConfigBuilder builder = config.toBuilder();
    if (config.modulesToSave().stream().anyMatch(name -> isTable(name) || isHead(name))) {
      builder.modulesToSave(withTable(config.modulesToSave(), this::isHead).toArray(new String[0]));
    }
    if (config.targetModules() instanceof TargetModules.Names given
        && given.names().stream().anyMatch(name -> isTable(name) || isHead(name))) {
      builder.targetModules(new TargetModules.Names(withTable(given.names(), this::isHead)));
    }
    return builder.build();
  }

  private boolean isTable(String name) {
    return ("." + base.inputs().name()).endsWith("." + name);
  }

  private boolean isHead(String name) {
    return ("." + base.headName()).endsWith("." + name);
  }

  private List<String> withTable(List<String> names, Predicate<String> left) {
    List<String> all = new ArrayList<>(names);
    if (!all.contains(base.inputs().name())) {
      all.add(base.inputs().name());
    }
    all.removeIf(left);
    return all;
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
    if (ties() && all.isTarget(base.headName())) {
      throw new AdapterMismatchException(
          "ensureWeightTying: a pattern in targetModules that matches "
              + base.headName()
              + " can't be tied; name the embedding instead");
    }
    if (ties() && all.isTarget(base.inputs().name()) && config.useDora()) {
      throw new AdapterMismatchException(
          "ensureWeightTying with useDora on an embedding is not built yet: leave one of them out");
    }
    return all;
  }

  private boolean ties() {
    return config.ensureWeightTying() && base.isTied();
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
      String key = TrainedBias.key(name, matched.isTarget(name));
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

  /** What a file may hold of the base's table and head. */
  BaseTables tables(MatchedModules matched) {
    return BaseTables.of(base, config, matched, ties());
  }

  /** What PEFT writes under a head's name although it is the table's. */
  Map<String, Twin> tiedKeys(MatchedModules matched) {
    Map<String, Twin> twins = new LinkedHashMap<>();
    String table = base.inputs().name();
    String head = base.headName();
    if (ties() && matched.saved().contains(table)) {
      twins.put(head + ".weight", Twin.copy(table + ".weight"));
    }
    if (ties() && matched.isTarget(table)) {
      twins.put(head + LoraWeights.A, Twin.transpose(table + EmbeddingUpdate.B));
      twins.put(head + LoraWeights.B, Twin.transpose(table + EmbeddingUpdate.A));
    }
    // With save_embedding_layers PEFT writes these once more as they are called in its live model.
    if (base.isTied() && matched.tokens().containsKey(table)) {
      twins.put(head + TokenRows.KEY, Twin.seldom(table + TokenRows.KEY));
    }
    for (String module : List.of(table, head)) {
      if (matched.saved().contains(ties() ? table : module)) {
        for (String last : List.of(".weight", ".bias")) {
          twins.put(module + ".modules_to_save" + last, Twin.seldom(module + last));
        }
      }
    }
    return twins;
  }

  private static Map<String, Tensor> parameters(Consumer<BiConsumer<String, Tensor>> layer) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    layer.accept(found::put);
    return found;
  }
}
