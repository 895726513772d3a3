package io.github.lora4j.peft;

import java.util.List;

/**
 * What a configuration means for one model.
 *
 * @param targets the layers to adapt, in the model's order
 * @param targetModules what a saved configuration says in place of all-linear or the family's
 *     default: names or a regular expression
 * @param saved the linear layers that are trained whole, in the model's order
 * @param experts the parameters of experts to adapt, in the model's order; if there are none,
 *     {@code targets} has at least one
 */
record MatchedModules(
    List<AdapterTarget> targets,
    TargetModules targetModules,
    List<String> saved,
    List<ExpertTarget> experts) {}
