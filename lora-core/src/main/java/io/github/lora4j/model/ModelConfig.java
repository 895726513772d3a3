package io.github.lora4j.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Predicate;

/**
 * The contents of a model's {@code config.json}, with checked access.
 *
 * <p>Keys that LoRA4J doesn't know are kept and written back. A JSON null counts as absent, as in
 * transformers.
 */
public final class ModelConfig {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long MAX_BYTES = 16L << 20;
  private static final int MAX_SHOWN = 200;

  private final ObjectNode node;
  private final String source;

  private ModelConfig(ObjectNode node, String source) {
    this.node = node;
    this.source = source;
  }

  /**
   * Reads {@code config.json} of a model folder.
   *
   * @throws CheckpointFormatException if it is missing or not a JSON object
   */
  public static ModelConfig load(Path modelDir) {
    Path file = modelDir.resolve("config.json");
    if (!Files.isRegularFile(file)) {
      throw new CheckpointFormatException(noModel(modelDir, file));
    }
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new CheckpointFormatException(
            file + " is larger than 16 MiB, which no model configuration is.");
      }
      return of(Files.readString(file), file.toString());
    } catch (CharacterCodingException e) {
      throw new CheckpointFormatException(file + " is not text in UTF-8.", e);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " could not be read: " + e.getMessage(), e);
    }
  }

  private static String noModel(Path modelDir, Path file) {
    if (!Files.isDirectory(modelDir)) {
      return modelDir.toAbsolutePath()
          + (Files.exists(modelDir) ? " is not a folder" : " does not exist")
          + ": expected the folder of a model with its config.json.";
    }
    String missing = file + " is missing: ";
    if (Files.exists(modelDir.resolve("adapter_config.json"))) {
      return missing
          + "this is the folder of an adapter. Load the base that its adapter_config.json names,"
          + " and the adapter with PeftModel.fromPretrained(base, folder).";
    }
    if (Files.isDirectory(modelDir.resolve("snapshots"))) {
      return missing
          + "this is a repository in the hub's cache, whose files stand in snapshots/<commit>. Load"
          + " the model by its name on the hub, with HF_HUB_OFFLINE=1 if the network must rest.";
    }
    return missing
        + "a model folder holds config.json, model.safetensors (or its shards and index) and"
        + " tokenizer.json.";
  }

  /**
   * Parses a configuration.
   *
   * @param json a JSON object
   * @param source named in error messages
   */
  public static ModelConfig of(String json, String source) {
    try {
      JsonNode parsed = JSON.readTree(json);
      if (parsed instanceof ObjectNode object) {
        return new ModelConfig(object, source);
      }
      throw new CheckpointFormatException(
          source + ": expected a JSON object, found " + parsed.getNodeType());
    } catch (JsonProcessingException e) {
      throw new CheckpointFormatException(
          source + " is not valid JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** The architecture's name, such as {@code llama}. */
  public String modelType() {
    return string("model_type");
  }

  /** Where this came from, for error messages. */
  public String source() {
    return source;
  }

  /** Whether a key is there and not null. */
  public boolean has(String key) {
    return node.hasNonNull(key);
  }

  /**
   * Whether a key is there and null, which turns off what is on by default in some families.
   *
   * <p>Everywhere else it counts as absent.
   */
  public boolean isNull(String key) {
    return node.has(key) && !node.hasNonNull(key);
  }

  /** A required whole number of at least one. */
  public int size(String key) {
    int value = integer(key).orElseThrow(() -> missing(key, "a whole number"));
    if (value < 1) {
      throw wrong(key, "a whole number of at least 1");
    }
    return value;
  }

  /** A whole number, where it is set. */
  public OptionalInt integer(String key) {
    if (!has(key)) {
      return OptionalInt.empty();
    }
    JsonNode value = node.get(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw wrong(key, "a whole number");
    }
    return OptionalInt.of(value.intValue());
  }

  /** A finite number. */
  public double number(String key, double defaultValue) {
    if (!has(key)) {
      return defaultValue;
    }
    JsonNode value = node.get(key);
    if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
      throw wrong(key, "a finite number");
    }
    return value.doubleValue();
  }

  /** A required finite number. */
  public double number(String key) {
    if (!has(key)) {
      throw missing(key, "a number");
    }
    return number(key, 0);
  }

  /** A truth value. */
  public boolean flag(String key, boolean defaultValue) {
    if (!has(key)) {
      return defaultValue;
    }
    if (!node.get(key).isBoolean()) {
      throw wrong(key, "true or false");
    }
    return node.get(key).booleanValue();
  }

  /** A text. */
  public String string(String key, String defaultValue) {
    if (!has(key)) {
      return defaultValue;
    }
    if (!node.get(key).isTextual()) {
      throw wrong(key, "a string");
    }
    return node.get(key).textValue();
  }

  /** A required text. */
  public String string(String key) {
    if (!has(key)) {
      throw missing(key, "a string");
    }
    return string(key, "");
  }

  /** One whole number or a list of them, as {@code eos_token_id} is; empty where it is not set. */
  public List<Integer> integers(String key) {
    List<Integer> values = new ArrayList<>();
    if (has(key)) {
      JsonNode value = node.get(key);
      for (JsonNode one : value.isArray() ? value : List.of(value)) {
        if (!one.isIntegralNumber() || !one.canConvertToInt()) {
          throw wrong(key, "a whole number or a list of them");
        }
        values.add(one.intValue());
      }
    }
    return List.copyOf(values);
  }

  /** A list of finite numbers; empty where it is not set. */
  public List<Double> numbers(String key) {
    return list(key, "a list of finite numbers", one -> one.isNumber() && isFinite(one)).stream()
        .map(JsonNode::doubleValue)
        .toList();
  }

  /** A list of texts; empty where it is not set. */
  public List<String> strings(String key) {
    return list(key, "a list of strings", JsonNode::isTextual).stream()
        .map(JsonNode::textValue)
        .toList();
  }

  private List<JsonNode> list(String key, String expected, Predicate<JsonNode> fits) {
    List<JsonNode> values = new ArrayList<>();
    if (has(key)) {
      node.get(key).forEach(values::add);
      if (!node.get(key).isArray() || !values.stream().allMatch(fits)) {
        throw wrong(key, expected);
      }
    }
    return values;
  }

  private static boolean isFinite(JsonNode value) {
    return Double.isFinite(value.doubleValue());
  }

  /** A nested object, where it is set; its errors name the path to it. */
  public Optional<ModelConfig> section(String key) {
    if (!has(key)) {
      return Optional.empty();
    }
    if (node.get(key) instanceof ObjectNode object) {
      return Optional.of(new ModelConfig(object, source + ": " + key));
    }
    throw wrong(key, "an object");
  }

  /** How many entries a nested object has, where it is set. */
  public OptionalInt sizeOf(String key) {
    return has(key) && node.get(key).isObject()
        ? OptionalInt.of(node.get(key).size())
        : OptionalInt.empty();
  }

  /**
   * The dtype that the weights were saved in, by {@code dtype} or its old name {@code torch_dtype}.
   */
  public Optional<DType> dtype() {
    String key = has("dtype") ? "dtype" : "torch_dtype";
    if (!has(key)) {
      return Optional.empty();
    }
    String name = string(key);
    return Optional.of(
        DType.byName(name)
            .filter(DType::isFloatingPoint)
            .orElseThrow(() -> wrong(key, "float32, bfloat16, float16 or float64")));
  }

  /** The same configuration with one text set. */
  public ModelConfig with(String key, String value) {
    ObjectNode copy = node.deepCopy();
    copy.put(key, value);
    return new ModelConfig(copy, source);
  }

  /** The same configuration with one truth value set. */
  public ModelConfig with(String key, boolean value) {
    ObjectNode copy = node.deepCopy();
    copy.put(key, value);
    return new ModelConfig(copy, source);
  }

  /** The same configuration with a number, a list or a map set. */
  ModelConfig withValue(String key, Object value) {
    ObjectNode copy = node.deepCopy();
    copy.set(key, JSON.valueToTree(value));
    return new ModelConfig(copy, source);
  }

  /** The keys of this object, in its order. */
  List<String> keys() {
    List<String> keys = new ArrayList<>();
    node.fieldNames().forEachRemaining(keys::add);
    return keys;
  }

  /** The same configuration without a key. */
  public ModelConfig without(String key) {
    ObjectNode copy = node.deepCopy();
    copy.remove(key);
    return new ModelConfig(copy, source);
  }

  /** The configuration as indented JSON. */
  public String toJson() {
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(source + " could not be written as JSON", e);
    }
  }

  /** An error about a key's value, to be thrown. */
  public CheckpointFormatException wrong(String key, String expected) {
    return new CheckpointFormatException(
        source + ": " + key + ": expected " + expected + ", found " + shortened(node.get(key)));
  }

  private static String shortened(JsonNode value) {
    String text = String.valueOf(value);
    return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "…";
  }

  private CheckpointFormatException missing(String key, String expected) {
    return new CheckpointFormatException(
        source + ": " + key + " is missing: expected " + expected + ".");
  }

  @Override
  public String toString() {
    return "ModelConfig[" + source + "]";
  }
}
