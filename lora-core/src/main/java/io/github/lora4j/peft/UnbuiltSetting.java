package io.github.lora4j.peft;

import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Settings of PEFT's LoraConfig that LoRA4J reads and writes, but can't carry out yet. */
enum UnbuiltSetting {
  ALORA_INVOCATION_TOKENS(
      "alora_invocation_tokens", null, "leave it out: adapters act on every token"),
  USE_QALORA("use_qalora", false, "leave it false"),
  USE_BDLORA("use_bdlora", null, "leave it out"),
  MEGATRON_CONFIG("megatron_config", null, "leave it out: layers are not split over machines"),
  VELORA_CONFIG(
      "velora_config", null, "leave it out; TrainingArguments.gradientCheckpointing saves memory"),
  MONTECLORA_CONFIG("monteclora_config", null, "leave it out"),
  ARROW_CONFIG("arrow_config", null, "leave it out"),
  KASA_CONFIG("kasa_config", null, "leave it out"),
  CORDA_CONFIG("corda_config", null, "leave it out and use the default initLoraWeights", true),
  LORA_GA_CONFIG("lora_ga_config", null, "leave it out and use the default initLoraWeights", true);

  private final String key;
  private final @Nullable Object off;
  private final String instead;
  private final boolean ignoredByPeft;

  UnbuiltSetting(String key, @Nullable Object off, String instead) {
    this(key, off, instead, false);
  }

  /**
   * A setting.
   *
   * @param ignoredByPeft whether it only accompanies a value of {@code init_lora_weights}, which is
   *     refused itself; PEFT ignores it otherwise, and so do we
   */
  UnbuiltSetting(String key, @Nullable Object off, String instead, boolean ignoredByPeft) {
    this.key = key;
    this.off = off;
    this.instead = instead;
    this.ignoredByPeft = ignoredByPeft;
  }

  /** The name in PEFT and in adapter_config.json. */
  String key() {
    return key;
  }

  /** The value that switches it off. */
  @Nullable Object off() {
    return off;
  }

  /** The field's name in Java. */
  String field() {
    StringBuilder field = new StringBuilder();
    for (String word : key.split("_")) {
      field.append(
          field.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
    }
    return field.toString();
  }

  /**
   * Throws if a builder is given anything but the value that switches the setting off.
   *
   * @throws IllegalArgumentException naming the field and what to do instead
   */
  void refuse(@Nullable Object value) {
    if (isOn(value)) {
      throw new IllegalArgumentException(
          "%s is not built yet (set to %s): %s".formatted(field(), Shortened.of(value), instead));
    }
  }

  /** Says why an adapter with this value in its file can't be loaded, if it can't. */
  Optional<String> problemInFile(@Nullable Object value) {
    return !ignoredByPeft && isOn(value)
        ? Optional.of("\"%s\" is %s, which is not built yet".formatted(key, Shortened.of(value)))
        : Optional.empty();
  }

  private boolean isOn(@Nullable Object value) {
    if (value == null || value.equals(off) || value.equals(false)) {
      return false;
    }
    if (value instanceof Collection<?> all) {
      return !all.isEmpty();
    }
    return !(value instanceof Map<?, ?> map) || !map.isEmpty();
  }
}
