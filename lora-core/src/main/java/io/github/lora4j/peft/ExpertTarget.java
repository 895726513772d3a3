package io.github.lora4j.peft;

import java.util.List;

/**
 * A parameter of all experts that gets an adapter.
 *
 * @param parameter its name, such as {@code model.layers.0.mlp.experts.down_proj}
 * @param module what PEFT calls the adapter: the experts' module, followed by {@code .base_layer}
 *     for each parameter of the same module that is wrapped around this one
 * @param container the experts' module itself
 * @param parts see {@link ParameterEntry#parts}
 * @param r the rank of the update of each expert
 * @param alpha the numerator of the scaling
 * @param scaling what the update B·A is multiplied by
 */
record ExpertTarget(
    String parameter,
    String module,
    String container,
    List<String> parts,
    int r,
    double alpha,
    double scaling) {}
