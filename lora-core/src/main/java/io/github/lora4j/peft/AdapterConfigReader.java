package io.github.lora4j.peft;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Reads adapter_config.json, trusting nothing in it. */
final class AdapterConfigReader {

  private static final long LARGEST = 16 << 20;

  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private AdapterConfigReader() {}

  static LoraConfig read(Path folder) {
    Path file = folder.resolve(AdapterConfigKeys.FILE);
    Map<String, Object> json = json(folder);
    checkType(file, json);
    checkBuilt(file, json);
    return new AdapterConfigFields(file, json).toConfig();
  }

  /** What the file holds, for any kind of adapter. */
  static Map<String, Object> json(Path folder) {
    Path file = folder.resolve(AdapterConfigKeys.FILE);
    if (!Files.isRegularFile(file)) {
      throw new CheckpointFormatException(missing(folder));
    }
    return parse(file);
  }

  private static Map<String, Object> parse(Path file) {
    try {
      if (Files.size(file) > LARGEST) {
        throw new CheckpointFormatException(
            "%s: has %d bytes; an adapter's configuration has a few thousand"
                .formatted(file, Files.size(file)));
      }
      Object json = JSON.readValue(Files.readAllBytes(file), Object.class);
      if (!(json instanceof Map<?, ?> map)) {
        throw new CheckpointFormatException("%s: holds no JSON object".formatted(file));
      }
      Map<String, Object> copy = new LinkedHashMap<>();
      map.forEach((key, value) -> copy.put((String) key, value));
      return copy;
    } catch (JsonProcessingException e) {
      throw new CheckpointFormatException(
          "%s: is not valid JSON: %s".formatted(file, e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  private static void checkType(Path file, Map<String, Object> json) {
    Object type = json.get(AdapterConfigKeys.PEFT_TYPE);
    if (!(type instanceof String name)) {
      throw new CheckpointFormatException(
          "%s: the key \"peft_type\" must be a string that names the kind of adapter, found %s"
              .formatted(file, Shortened.of(type)));
    }
    if (!name.equals(AdapterConfigKeys.LORA)) {
      throw new AdapterMismatchException(
          ("%s: \"peft_type\" is \"%s\"; a LoraConfig is for \"LORA\": other kinds are read by"
                  + " PeftConfig.load, and loaded by TunedModel.fromPretrained")
              .formatted(file, Shortened.of(name)));
    }
  }

  private static void checkBuilt(Path file, Map<String, Object> json) {
    List<String> problems = new ArrayList<>();
    for (UnbuiltSetting setting : UnbuiltSetting.values()) {
      setting.problemInFile(json.get(setting.key())).ifPresent(problems::add);
    }
    if (json.get(AdapterConfigKeys.INIT_LORA_WEIGHTS) instanceof String init && !isBuilt(init)) {
      problems.add(
          "\"init_lora_weights\" is \"%s\", which is not built yet (and may have changed the base)"
              .formatted(Shortened.of(init)));
    }
    if (!problems.isEmpty()) {
      throw new AdapterMismatchException(
          "%s: this adapter needs more than LoRA4J can do so far:\n- %s\nPEFT's merge_and_unload() makes a plain model of it, which loads here."
              .formatted(file, String.join("\n- ", problems)));
    }
  }

  private static boolean isBuilt(String init) {
    try {
      InitLoraWeights.of(init);
      return true;
    } catch (IllegalArgumentException unknown) {
      return false;
    }
  }

  private static String missing(Path folder) {
    StringBuilder message =
        new StringBuilder(
            "%s: there is no adapter_config.json; the folder of an adapter holds adapter_config.json and adapter_model.safetensors"
                .formatted(folder));
    if (!Files.isDirectory(folder)) {
      return message.append(". This is no folder at all.").toString();
    }
    if (Files.exists(folder.resolve("adapter_model.bin"))) {
      message.append(
          ". Its adapter_model.bin is a pickle, which LoRA4J does not read: save it again in Python"
              + " with safe_serialization=True.");
    }
    try (Stream<Path> children = Files.list(folder)) {
      List<String> adapters =
          children
              .filter(child -> Files.isRegularFile(child.resolve(AdapterConfigKeys.FILE)))
              .map(child -> child.getFileName().toString())
              .sorted()
              .toList();
      if (!adapters.isEmpty()) {
        message.append(
            ". Adapters are in its sub-folders %s: name one of them."
                .formatted(String.join(", ", adapters)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + folder + ": " + e.getMessage(), e);
    }
    return message.toString();
  }
}
