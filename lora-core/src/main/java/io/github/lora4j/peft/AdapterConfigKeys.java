package io.github.lora4j.peft;

/** Names in adapter_config.json that reader and writer share. */
final class AdapterConfigKeys {

  static final String FILE = "adapter_config.json";

  static final String PEFT_TYPE = "peft_type";
  static final String LORA = "LORA";
  static final String PEFT_VERSION = "peft_version";

  static final String R = "r";
  static final String LORA_ALPHA = "lora_alpha";
  static final String LORA_DROPOUT = "lora_dropout";
  static final String TARGET_MODULES = "target_modules";
  static final String TARGET_PARAMETERS = "target_parameters";
  static final String EXCLUDE_MODULES = "exclude_modules";
  static final String USE_RSLORA = "use_rslora";
  static final String FAN_IN_FAN_OUT = "fan_in_fan_out";
  static final String RANK_PATTERN = "rank_pattern";
  static final String ALPHA_PATTERN = "alpha_pattern";
  static final String LAYERS_TO_TRANSFORM = "layers_to_transform";
  static final String LAYERS_PATTERN = "layers_pattern";
  static final String MODULES_TO_SAVE = "modules_to_save";
  static final String INIT_LORA_WEIGHTS = "init_lora_weights";
  static final String EVA_CONFIG = "eva_config";
  static final String LOFTQ_CONFIG = "loftq_config";
  static final String BIAS = "bias";
  static final String LORA_BIAS = "lora_bias";
  static final String USE_DORA = "use_dora";
  static final String TRAINABLE_TOKEN_INDICES = "trainable_token_indices";
  static final String LAYER_REPLICATION = "layer_replication";
  static final String ENSURE_WEIGHT_TYING = "ensure_weight_tying";
  static final String TASK_TYPE = "task_type";
  static final String INFERENCE_MODE = "inference_mode";
  static final String BASE_MODEL = "base_model_name_or_path";
  static final String REVISION = "revision";
  static final String AUTO_MAPPING = "auto_mapping";

  /** PEFT never reads it out of a file. */
  static final String RUNTIME_CONFIG = "runtime_config";

  private AdapterConfigKeys() {}
}
