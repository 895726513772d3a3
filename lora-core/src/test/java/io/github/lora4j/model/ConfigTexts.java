package io.github.lora4j.model;

/** Configurations of small models, as text. */
final class ConfigTexts {

  private static final String SIZES =
      "\"hidden_size\": 64, \"num_attention_heads\": 4, \"num_hidden_layers\": 8,"
          + " \"intermediate_size\": 112, \"vocab_size\": 160, \"num_key_value_heads\": 2";

  private ConfigTexts() {}

  /** A configuration with given keys, in single quotes; they win over the sizes beside them. */
  static ModelConfig config(String modelType, String keys) {
    String more = keys.isEmpty() ? "" : ", " + keys.replace('\'', '"');
    return ModelConfig.of(
        "{\"model_type\": \"" + modelType + "\", " + SIZES + more + "}", "config.json");
  }

  /** What a family makes of it. */
  static DecoderSpec spec(String modelType, String keys) {
    ModelConfig config = config(modelType, keys);
    return ModelFamilies.of(config).describe(config);
  }
}
