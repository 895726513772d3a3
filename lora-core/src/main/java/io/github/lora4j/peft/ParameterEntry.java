package io.github.lora4j.peft;

import java.util.List;

/**
 * A parameter of the base model that {@code targetParameters} can name.
 *
 * @param name such as {@code model.layers.0.mlp.experts.down_proj}
 * @param module the module that it belongs to
 * @param parts for a parameter of all experts, the linear layers that each expert's part of it is
 *     made of in files of transformers 4, such as {@code w1} and {@code w3}; else none
 */
record ParameterEntry(String name, String module, List<String> parts) {

  /** The weight of a linear layer or a router. */
  static ParameterEntry weightOf(String module) {
    return new ParameterEntry(module + ".weight", module, List.of());
  }

  /** Whether it holds matrices of several experts. */
  boolean isStacked() {
    return !parts.isEmpty();
  }
}
