package io.github.lora4j.peft;

import io.github.lora4j.internal.text.PythonJson;
import io.github.lora4j.io.AtomicFile;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Writes adapter_config.json as PEFT 0.21 does: the same 41 keys, the same text. */
final class AdapterConfigWriter {

  static final String WRITTEN_AS = "0.21.0";

  private AdapterConfigWriter() {}

  /**
   * The Python class of the base model, which PEFT looks up when an adapter has no task type.
   *
   * @param name such as {@code LlamaForCausalLM}
   * @param library such as {@code transformers.models.llama.modeling_llama}
   */
  record BaseModelClass(String name, String library) {}

  /**
   * Writes the file, whole or not at all.
   *
   * @param targetModules what matching made of the configured targets: names or a pattern
   * @throws java.io.UncheckedIOException if it cannot be written
   */
  static void write(
      Path folder,
      LoraConfig config,
      TargetModules targetModules,
      Optional<BaseModelClass> baseModelClass) {
    AtomicFile.writeString(
        folder.resolve(AdapterConfigKeys.FILE), text(config, targetModules, baseModelClass));
  }

  static String text(
      LoraConfig config, TargetModules targetModules, Optional<BaseModelClass> baseModelClass) {
    Map<String, @Nullable Object> json = new TreeMap<>(defaults());
    config.otherKeys().forEach((key, value) -> json.put(key, sorted(value)));
    json.put(AdapterConfigKeys.PEFT_TYPE, AdapterConfigKeys.LORA);
    json.put(AdapterConfigKeys.R, config.r());
    json.put(AdapterConfigKeys.LORA_ALPHA, number(config.loraAlpha()));
    json.put(AdapterConfigKeys.LORA_DROPOUT, config.loraDropout());
    json.put(AdapterConfigKeys.TARGET_MODULES, targets(targetModules));
    json.put(AdapterConfigKeys.TARGET_PARAMETERS, nullIfEmpty(config.targetParameters()));
    json.put(AdapterConfigKeys.EXCLUDE_MODULES, modules(config.excludeModules()));
    json.put(AdapterConfigKeys.USE_RSLORA, config.useRslora());
    json.put(AdapterConfigKeys.FAN_IN_FAN_OUT, config.fanInFanOut());
    // Not sorted, unlike in PEFT: the first key that matches wins, so the order has to survive.
    json.put(AdapterConfigKeys.RANK_PATTERN, config.rankPattern());
    Map<String, Object> alphas = new LinkedHashMap<>();
    config.alphaPattern().forEach((key, alpha) -> alphas.put(key, number(alpha)));
    json.put(AdapterConfigKeys.ALPHA_PATTERN, alphas);
    json.put(AdapterConfigKeys.LAYERS_TO_TRANSFORM, nullIfEmpty(config.layersToTransform()));
    json.put(AdapterConfigKeys.LAYERS_PATTERN, nullIfEmpty(config.layersPattern()));
    json.put(AdapterConfigKeys.MODULES_TO_SAVE, nullIfEmpty(config.modulesToSave()));
    json.put(AdapterConfigKeys.INIT_LORA_WEIGHTS, config.initLoraWeights().value());
    json.put(AdapterConfigKeys.BIAS, config.bias().value());
    json.put(AdapterConfigKeys.LORA_BIAS, config.loraBias());
    json.put(AdapterConfigKeys.USE_DORA, config.useDora());
    json.put(
        AdapterConfigKeys.TRAINABLE_TOKEN_INDICES,
        config.trainableTokenIndices().isEmpty() ? null : config.trainableTokenIndices().value());
    json.put(AdapterConfigKeys.LAYER_REPLICATION, nullIfEmpty(config.layerReplication()));
    json.put(AdapterConfigKeys.ENSURE_WEIGHT_TYING, config.ensureWeightTying());
    json.put(AdapterConfigKeys.EVA_CONFIG, config.evaConfig().map(EvaConfig::toJson).orElse(null));
    json.put(
        AdapterConfigKeys.LOFTQ_CONFIG,
        config.loftqConfig().map(LoftQConfig::toJson).orElse(Map.of()));
    json.put(AdapterConfigKeys.TASK_TYPE, config.taskType().map(TaskType::name).orElse(null));
    json.put(AdapterConfigKeys.INFERENCE_MODE, true);
    json.put(AdapterConfigKeys.BASE_MODEL, config.baseModelNameOrPath().orElse(null));
    json.put(AdapterConfigKeys.REVISION, config.revision().orElse(null));
    if (config.taskType().isEmpty()) {
      baseModelClass.ifPresent(
          base ->
              json.put(
                  AdapterConfigKeys.AUTO_MAPPING,
                  new TreeMap<>(
                      Map.of("base_model_class", base.name(), "parent_library", base.library()))));
    }
    return PythonJson.write(json);
  }

  private static Map<String, @Nullable Object> defaults() {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    for (UnbuiltSetting setting : UnbuiltSetting.values()) {
      json.put(setting.key(), setting.off());
    }
    json.put(AdapterConfigKeys.PEFT_VERSION, WRITTEN_AS);
    json.put(AdapterConfigKeys.AUTO_MAPPING, null);
    json.put("megatron_core", "megatron.core");
    json.put("qalora_group_size", 16);
    return json;
  }

  /** No modules are an empty list: null would be the family's default. */
  private static @Nullable Object targets(TargetModules modules) {
    return modules instanceof TargetModules.Names given ? given.names() : modules(modules);
  }

  private static @Nullable Object modules(TargetModules modules) {
    if (modules instanceof TargetModules.Names given) {
      return nullIfEmpty(given.names());
    }
    if (modules instanceof TargetModules.Regex regex) {
      return regex.pattern();
    }
    return modules instanceof TargetModules.AllLinear ? TargetModules.ALL_LINEAR : null;
  }

  private static @Nullable Object nullIfEmpty(List<?> list) {
    return list.isEmpty() ? null : list;
  }

  /** PEFT's alpha is a whole number, in the file too, unless a fraction was asked for. */
  private static Object number(double alpha) {
    return alpha == Math.rint(alpha) ? new BigDecimal(alpha).toBigInteger() : (Object) alpha;
  }

  private static @Nullable Object sorted(@Nullable Object value) {
    if (value instanceof Map<?, ?> map) {
      Map<String, @Nullable Object> sorted = new TreeMap<>();
      map.forEach((key, inner) -> sorted.put((String) key, sorted(inner)));
      return sorted;
    }
    return value instanceof List<?> list
        ? list.stream().map(AdapterConfigWriter::sorted).toList()
        : value;
  }
}
