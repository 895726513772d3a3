package io.github.lora4j.model;

import java.util.List;
import java.util.OptionalInt;

/** Describes the models of one {@code model_type} to the one decoder. */
public interface ModelFamily {

  /** The {@code model_type} in {@code config.json}. */
  String modelType();

  /** What {@code model_type} was called before, in files that hold the same as today's. */
  default List<String> olderModelTypes() {
    return List.of();
  }

  /** Reads the choices from a configuration. */
  DecoderSpec describe(ModelConfig config);

  /**
   * The modules that are adapted when the user names none: those of PEFT's table, or the
   * attention's where a family isn't in it; empty where the user has to choose.
   */
  List<String> defaultTargetModules();

  /**
   * The class that transformers has for the causal language model, such as {@code
   * LlamaForCausalLM}.
   */
  String causalLmClass();

  /**
   * The class that transformers has for the sequence classifier, such as {@code
   * LlamaForSequenceClassification}.
   */
  default String sequenceClassifierClass() {
    return causalLmClass().replaceFirst("(ForCausalLM|LMHeadModel)$", "ForSequenceClassification");
  }

  /** The padding token of a configuration that doesn't name one: what transformers has there. */
  default OptionalInt defaultPadTokenId() {
    return OptionalInt.empty();
  }

  /**
   * The name under which transformers writes a parameter, where that isn't the module's own; both
   * are read.
   */
  default String storedName(String parameterName) {
    return parameterName;
  }

  /** Whether a tensor may lie in checkpoints though nothing needs it. */
  default boolean ignores(String tensorName) {
    return tensorName.endsWith(".rotary_emb.inv_freq");
  }

  /**
   * How the names begin of tensors that belong to a part of the model that isn't loaded, and are
   * written again with the rest.
   */
  default List<String> carriedPrefixes() {
    return List.of();
  }
}
