package io.github.lora4j.peft;

import java.util.List;
import java.util.Map;

/**
 * What a configuration means for one model.
 *
 * @param targets the layers to adapt, linear ones, routers and tables, in the model's order
 * @param targetModules what a saved configuration says in place of all-linear or the family's
 *     default: names or a regular expression
 * @param saved the linear layers, tables and norms that are trained whole, in the model's order
 * @param experts the parameters of experts to adapt, in the model's order
 * @param biases the layers whose biases are trained, in the model's order
 * @param tokens the tokens whose rows are trained, by the names of tables or of the head
 */
record MatchedModules(
    List<AdapterTarget> targets,
    TargetModules targetModules,
    List<String> saved,
    List<ExpertTarget> experts,
    List<String> biases,
    Map<String, List<Integer>> tokens) {

  MatchedModules(
      List<AdapterTarget> targets,
      TargetModules targetModules,
      List<String> saved,
      List<ExpertTarget> experts) {
    this(targets, targetModules, saved, experts, List.of(), Map.of());
  }

  MatchedModules with(List<String> trainedBiases, Map<String, List<Integer>> trainedTokens) {
    return new MatchedModules(targets, targetModules, saved, experts, trainedBiases, trainedTokens);
  }

  boolean isTarget(String module) {
    return targets.stream().anyMatch(target -> target.module().equals(module));
  }
}
