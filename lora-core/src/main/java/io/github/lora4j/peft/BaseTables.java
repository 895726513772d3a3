package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What an adapter's file may hold of the base's table of tokens and of its head, without training
 * it: PEFT's {@code save_embedding_layers}.
 *
 * @param parameters under each name that they can have there
 */
record BaseTables(List<Parameter> parameters) {

  /** The names that make PEFT save the tables: its EMBEDDING_LAYER_NAMES. */
  private static final List<String> NAMES = List.of("embed_tokens", "lm_head");

  /**
   * One name of a parameter.
   *
   * @param key in the file, without the prefix
   * @param module whose it is
   * @param parameter what it is called in the base; one for both modules where they are tied
   * @param own the base's
   * @param written whether it belongs into every file of such an adapter
   * @param replaces whether the module computes with it: not where it has a trained copy
   */
  record Parameter(
      String key, String module, String parameter, Tensor own, boolean written, boolean replaces) {}

  /**
   * Finds them.
   *
   * @param headFollows whether adapters of the table are the head's too
   */
  static BaseTables of(
      BaseLayers base, LoraConfig config, MatchedModules matched, boolean headFollows) {
    boolean saves = config.trainableTokenIndices().isEmpty() && targetsTable(matched);
    List<Parameter> found = new ArrayList<>();
    String table = base.inputs().name();
    for (String module : List.of(table, base.headName())) {
      String followed = headFollows ? table : module;
      boolean target = matched.isTarget(followed);
      boolean saved = matched.saved().contains(followed);
      boolean tokens = matched.tokens().containsKey(base.isTied() ? table : module);
      own(base, module)
          .forEach(
              (name, own) -> {
                String last = name.substring(module.length());
                boolean tied = base.isTied() && last.equals(".weight");
                boolean trained = last.equals(".bias") && matched.biases().contains(module);
                String infix = infix(target, saved, tokens);
                if (!trained) {
                  found.add(
                      new Parameter(
                          module + infix + last,
                          module,
                          tied ? table + last : name,
                          own,
                          saves && target,
                          !saved));
                }
              });
    }
    return new BaseTables(List.copyOf(found));
  }

  /** Where PEFT keeps the base's own parameter beside what is trained of it. */
  private static String infix(boolean target, boolean saved, boolean tokens) {
    if (saved) {
      return ".original_module";
    }
    if (tokens) {
      return ".token_adapter.base_layer";
    }
    return target ? ".base_layer" : "";
  }

  /** Those that belong into every file of the adapter. */
  List<Parameter> written() {
    return parameters.stream().filter(Parameter::written).toList();
  }

  private static Map<String, Tensor> own(BaseLayers base, String module) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    if (base.embedding(module).isPresent()) {
      base.embedding(module).get().forEachParameter(found::put);
    } else if (base.isLinear(module) && base.linear(module) instanceof DenseLinear dense) {
      dense.forEachParameter(found::put);
    }
    return found;
  }

  private static boolean targetsTable(MatchedModules matched) {
    if (matched.targetModules() instanceof TargetModules.Names given) {
      return given.names().stream().anyMatch(NAMES::contains);
    }
    return matched.targets().stream()
        .anyMatch(
            target -> NAMES.stream().anyMatch(t -> ("." + target.module()).endsWith("." + t)));
  }

  /**
   * Takes those out of a file that aren't the base's own, or wouldn't be saved again as such.
   *
   * @param stored gives a parameter under one of its names in the base's dtype, in the caller's
   *     scope, if the file has it
   * @return by the modules that compute with them
   * @throws AdapterMismatchException if names of one parameter have different numbers
   */
  Map<String, StoredTable> read(String file, Function<Parameter, Optional<Tensor>> stored) {
    Map<String, Tensor> values = new LinkedHashMap<>();
    Map<String, String> from = new LinkedHashMap<>();
    Set<String> there = new HashSet<>();
    for (Parameter name : parameters) {
      Optional<Tensor> value = stored.apply(name);
      if (value.isPresent()) {
        there.add(name.key());
        Tensor before = values.putIfAbsent(name.parameter(), value.get());
        String other = from.putIfAbsent(name.parameter(), name.key());
        if (before != null && !before.equal(value.get())) {
          throw new AdapterMismatchException(
              "%s: %s and %s are one parameter of this base, whose head is tied, but differ"
                  .formatted(file, other, name.key()));
        }
      }
    }
    Map<String, StoredTable> tables = new LinkedHashMap<>();
    parameters.stream()
        .filter(Parameter::replaces)
        .collect(Collectors.groupingBy(Parameter::module, LinkedHashMap::new, Collectors.toList()))
        .forEach(
            (module, names) -> {
              if (names.stream().anyMatch(name -> brings(name, values, there))) {
                tables.put(module, table(module, names, values, there));
              }
            });
    return tables;
  }

  private static boolean brings(Parameter name, Map<String, Tensor> values, Set<String> there) {
    Tensor value = values.get(name.parameter());
    return value != null
        && (there.contains(name.key()) && !name.written() || !value.equal(name.own().detach()));
  }

  private static StoredTable table(
      String module, List<Parameter> names, Map<String, Tensor> values, Set<String> there) {
    Map<String, Tensor> keys = new LinkedHashMap<>();
    Map<String, Tensor> parts = new LinkedHashMap<>();
    for (Parameter name : names) {
      Tensor own = name.own().detach();
      Tensor value = values.getOrDefault(name.parameter(), own);
      // The base's own numbers need no second place in memory.
      Tensor part = value.equal(own) ? own : value;
      parts.put(name.key().substring(name.key().lastIndexOf('.')), part);
      if (there.contains(name.key())) {
        keys.put(name.key(), part);
      }
    }
    Tensor weight = Objects.requireNonNull(parts.get(".weight"), module);
    return StoredTable.of(module, weight, Optional.ofNullable(parts.get(".bias")), keys);
  }
}
