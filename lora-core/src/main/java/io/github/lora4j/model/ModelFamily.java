package io.github.lora4j.model;

import java.util.List;

/** Describes the models of one {@code model_type} to the one decoder. */
public interface ModelFamily {

  /** The {@code model_type} in {@code config.json}. */
  String modelType();

  /** Reads the choices from a configuration. */
  DecoderSpec describe(ModelConfig config);

  /** The modules that PEFT targets when the user names none. */
  List<String> defaultTargetModules();

  /**
   * The class that transformers has for the causal language model, such as {@code
   * LlamaForCausalLM}.
   */
  String causalLmClass();

  /** Whether a tensor may lie in checkpoints though nothing needs it. */
  default boolean ignores(String tensorName) {
    return tensorName.endsWith(".rotary_emb.inv_freq");
  }
}
