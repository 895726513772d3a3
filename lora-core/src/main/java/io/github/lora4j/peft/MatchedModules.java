package io.github.lora4j.peft;

import java.util.List;

/**
 * What a configuration means for one model.
 *
 * @param targets the layers to adapt, in the model's order; at least one
 * @param targetModules what a saved configuration says in place of all-linear or the family's
 *     default: names or a regular expression
 */
record MatchedModules(List<AdapterTarget> targets, TargetModules targetModules) {}
