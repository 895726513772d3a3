package io.github.lora4j.peft;

import io.github.lora4j.error.CheckpointFormatException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Turns the values of an adapter_config.json, of the right types, into a configuration. */
final class AdapterConfigFields {

  private final Path file;
  private final Map<String, Object> unread;

  AdapterConfigFields(Path file, Map<String, Object> json) {
    this.file = file;
    this.unread = new LinkedHashMap<>(json);
  }

  LoraConfig toConfig() {
    LoraConfigBuilder builder = LoraConfig.builder();
    take(AdapterConfigKeys.R, this::wholeNumber, builder::r);
    take(AdapterConfigKeys.LORA_ALPHA, this::number, builder::loraAlpha);
    take(AdapterConfigKeys.LORA_DROPOUT, this::number, builder::loraDropout);
    takeUnlessNull(AdapterConfigKeys.TARGET_MODULES, this::targets, builder::targetModules);
    takeUnlessNull(
        AdapterConfigKeys.TARGET_PARAMETERS, this::names, names -> builder.targetParameters(names));
    takeUnlessNull(AdapterConfigKeys.EXCLUDE_MODULES, this::modules, builder::excludeModules);
    takeUnlessNull(AdapterConfigKeys.USE_RSLORA, this::flag, builder::useRslora);
    takeUnlessNull(AdapterConfigKeys.FAN_IN_FAN_OUT, this::flag, builder::fanInFanOut);
    takeUnlessNull(AdapterConfigKeys.RANK_PATTERN, values(this::wholeNumber), builder::rankPattern);
    takeUnlessNull(AdapterConfigKeys.ALPHA_PATTERN, values(this::number), builder::alphaPattern);
    takeUnlessNull(
        AdapterConfigKeys.LAYERS_TO_TRANSFORM,
        this::indices,
        layers -> builder.layersToTransform(layers));
    takeUnlessNull(
        AdapterConfigKeys.LAYERS_PATTERN, this::layerLists, lists -> builder.layersPattern(lists));
    takeUnlessNull(
        AdapterConfigKeys.MODULES_TO_SAVE, this::names, names -> builder.modulesToSave(names));
    takeUnlessNull(AdapterConfigKeys.INIT_LORA_WEIGHTS, this::init, builder::initLoraWeights);
    takeUnlessNull(AdapterConfigKeys.BIAS, this::bias, builder::bias);
    takeUnlessNull(AdapterConfigKeys.LORA_BIAS, this::flag, builder::loraBias);
    takeUnlessNull(AdapterConfigKeys.USE_DORA, this::flag, builder::useDora);
    takeUnlessNull(
        AdapterConfigKeys.TRAINABLE_TOKEN_INDICES,
        this::tokens,
        tokens -> builder.trainableTokenIndices = tokens);
    takeUnlessNull(
        AdapterConfigKeys.LAYER_REPLICATION,
        this::ranges,
        ranges -> builder.layerReplication = ranges);
    takeUnlessNull(AdapterConfigKeys.ENSURE_WEIGHT_TYING, this::flag, builder::ensureWeightTying);
    takeUnlessNull(AdapterConfigKeys.EVA_CONFIG, this::eva, builder::evaConfig);
    Object loftq = unread.remove(AdapterConfigKeys.LOFTQ_CONFIG);
    // Elsewhere PEFT ignores it, whatever it holds.
    if (loftq != null && builder.initLoraWeights.equals(InitLoraWeights.LOFTQ)) {
      loftq(AdapterConfigKeys.LOFTQ_CONFIG, loftq).ifPresent(builder::loftqConfig);
    }
    takeUnlessNull(AdapterConfigKeys.TASK_TYPE, this::taskType, builder::taskType);
    takeUnlessNull(AdapterConfigKeys.INFERENCE_MODE, this::flag, builder::inferenceMode);
    takeUnlessNull(AdapterConfigKeys.BASE_MODEL, this::text, builder::baseModelNameOrPath);
    takeUnlessNull(AdapterConfigKeys.REVISION, this::text, builder::revision);
    unread.remove(AdapterConfigKeys.PEFT_TYPE);
    unread.remove(AdapterConfigKeys.RUNTIME_CONFIG);
    try {
      return builder.otherKeys(unread).build();
    } catch (IllegalArgumentException e) {
      throw new CheckpointFormatException("%s: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** Reads one value, given its key. */
  @FunctionalInterface
  private interface Reader<T> {
    T read(String key, @Nullable Object value);
  }

  private <T> void take(String key, Reader<T> reader, Consumer<T> setter) {
    if (unread.containsKey(key)) {
      setter.accept(reader.read(key, unread.remove(key)));
    }
  }

  private <T> void takeUnlessNull(String key, Reader<T> reader, Consumer<T> setter) {
    Object value = unread.remove(key);
    if (value != null) {
      setter.accept(reader.read(key, value));
    }
  }

  private int wholeNumber(String key, @Nullable Object value) {
    return value instanceof Integer number ? number : wrong(key, "a whole number", value);
  }

  private double number(String key, @Nullable Object value) {
    return value instanceof Number number ? number.doubleValue() : wrong(key, "a number", value);
  }

  private boolean flag(String key, @Nullable Object value) {
    return value instanceof Boolean flag ? flag : wrong(key, "true or false", value);
  }

  private String text(String key, @Nullable Object value) {
    return value instanceof String text ? text : wrong(key, "a string", value);
  }

  private TargetModules targets(String key, @Nullable Object value) {
    return value instanceof String text && text.equalsIgnoreCase(TargetModules.ALL_LINEAR)
        ? TargetModules.allLinear()
        : modules(key, value);
  }

  private TargetModules modules(String key, @Nullable Object value) {
    try {
      return value instanceof String pattern
          ? new TargetModules.Regex(pattern)
          : new TargetModules.Names(Arrays.asList(names(key, value)));
    } catch (IllegalArgumentException e) {
      throw new CheckpointFormatException(
          "%s: the key \"%s\": %s".formatted(file, key, e.getMessage()), e);
    }
  }

  private String[] names(String key, @Nullable Object value) {
    if (!(value instanceof List<?> list) || !list.stream().allMatch(String.class::isInstance)) {
      return wrong(key, "a string or a list of strings", value);
    }
    return list.toArray(new String[0]);
  }

  private String[] layerLists(String key, @Nullable Object value) {
    if (value instanceof String name) {
      return name.isEmpty() ? new String[0] : new String[] {name};
    }
    return names(key, value);
  }

  private int[] indices(String key, @Nullable Object value) {
    if (value instanceof Integer index) {
      return new int[] {index};
    }
    if (!(value instanceof List<?> list)) {
      return wrong(key, "a whole number or a list of them", value);
    }
    return list.stream().mapToInt(index -> wholeNumber(key, index)).toArray();
  }

  private <T> Reader<Map<String, T>> values(Reader<T> reader) {
    return (key, value) -> {
      if (!(value instanceof Map<?, ?> map)) {
        return wrong(key, "an object", value);
      }
      Map<String, T> values = new LinkedHashMap<>();
      Function<Object, String> place = name -> "%s.%s".formatted(key, name);
      map.forEach((name, v) -> values.put((String) name, reader.read(place.apply(name), v)));
      return values;
    };
  }

  private InitLoraWeights init(String key, @Nullable Object value) {
    return value instanceof String word
        ? InitLoraWeights.of(word) // unknown words were refused before
        : InitLoraWeights.of(flag(key, value));
  }

  private Bias bias(String key, @Nullable Object value) {
    try {
      return Bias.of(text(key, value));
    } catch (IllegalArgumentException e) {
      return wrong(key, "none, all or lora_only", value);
    }
  }

  private TrainableTokens tokens(String key, @Nullable Object value) {
    try {
      return value instanceof Map<?, ?>
          ? new TrainableTokens(List.of(), values(this::wholeNumbers).read(key, value))
          : new TrainableTokens(wholeNumbers(key, value), Map.of());
    } catch (IllegalArgumentException e) {
      return wrong(key, "ids of tokens, each once", value);
    }
  }

  private List<Integer> wholeNumbers(String key, @Nullable Object value) {
    if (!(value instanceof List<?> list)) {
      return wrong(key, "a list of whole numbers", value);
    }
    List<Integer> numbers = new ArrayList<>();
    list.forEach(number -> numbers.add(wholeNumber(key, number)));
    return numbers;
  }

  private List<List<Integer>> ranges(String key, @Nullable Object value) {
    if (!(value instanceof List<?> list)) {
      return wrong(key, "a list of ranges", value);
    }
    List<List<Integer>> ranges = new ArrayList<>();
    list.forEach(range -> ranges.add(wholeNumbers(key, range)));
    return ranges;
  }

  private EvaConfig eva(String key, @Nullable Object value) {
    Map<String, Object> given =
        values((place, inner) -> inner == null ? "null" : inner).read(key, value);
    EvaConfig usual = EvaConfig.DEFAULT;
    try {
      return new EvaConfig(
          number(key + ".rho", given.getOrDefault("rho", usual.rho())),
          number(key + ".tau", given.getOrDefault("tau", usual.tau())),
          flag(key + ".use_label_mask", given.getOrDefault("use_label_mask", usual.useLabelMask())),
          wholeNumber(
              key + ".label_mask_value",
              given.getOrDefault("label_mask_value", usual.labelMaskValue())),
          flag(key + ".whiten", given.getOrDefault("whiten", usual.whiten())),
          flag(
              key + ".adjust_scaling_factors",
              given.getOrDefault("adjust_scaling_factors", usual.adjustScalingFactors())));
    } catch (IllegalArgumentException e) {
      throw new CheckpointFormatException(
          "%s: the key \"%s\": %s".formatted(file, key, e.getMessage()), e);
    }
  }

  /** Empty where there is nothing in it, as in adapters that begin otherwise. */
  private Optional<LoftQConfig> loftq(String key, Object value) {
    Map<String, Integer> given = values(this::wholeNumber).read(key, value);
    LoftQConfig usual = LoftQConfig.DEFAULT;
    try {
      return given.isEmpty()
          ? Optional.empty()
          : Optional.of(
              new LoftQConfig(
                  given.getOrDefault(LoftQConfig.BITS, usual.loftqBits()),
                  given.getOrDefault(LoftQConfig.ITER, usual.loftqIter())));
    } catch (IllegalArgumentException e) {
      throw new CheckpointFormatException(
          "%s: the key \"%s\": %s".formatted(file, key, e.getMessage()), e);
    }
  }

  private TaskType taskType(String key, @Nullable Object value) {
    List<String> known = new ArrayList<>();
    for (TaskType type : TaskType.values()) {
      if (type.name().equals(value)) {
        return type;
      }
      known.add(type.name());
    }
    return wrong(key, "one of " + String.join(", ", known), value);
  }

  private <T> T wrong(String key, String expected, @Nullable Object found) {
    throw new CheckpointFormatException(
        "%s: the key \"%s\" must be %s, found %s"
            .formatted(file, key, expected, Shortened.of(found)));
  }
}
