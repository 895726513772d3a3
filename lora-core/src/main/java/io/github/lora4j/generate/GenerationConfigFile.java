package io.github.lora4j.generate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads {@code generation_config.json}, and {@code config.json} for the token ids. */
final class GenerationConfigFile {

  private static final Logger LOG = LoggerFactory.getLogger(GenerationConfigFile.class);
  private static final String OWN_NAME = "generation_config.json";
  private static final String MODEL_NAME = "config.json";

  /** Real ones have a few hundred bytes, a model's config.json at most some tens of thousands. */
  private static final long LARGEST_FILE = 16 << 20;

  /** Settings that change what is generated but are not built, with the value that is harmless. */
  private static final Map<String, Double> NOT_BUILT =
      Map.of(
          "num_beams", 1.0,
          "typical_p", 1.0,
          "epsilon_cutoff", 0.0,
          "eta_cutoff", 0.0,
          "no_repeat_ngram_size", 0.0,
          "encoder_repetition_penalty", 1.0,
          "num_return_sequences", 1.0,
          "guidance_scale", 1.0,
          "min_length", 0.0);

  private static final List<String> NOT_BUILT_LISTS =
      List.of(
          "bad_words_ids",
          "suppress_tokens",
          "begin_suppress_tokens",
          "forced_bos_token_id",
          "forced_eos_token_id",
          "sequence_bias",
          "exponential_decay_length_penalty",
          "top_h",
          "watermarking_config");

  private final Path file;
  private final JsonNode root;

  private GenerationConfigFile(Path file, JsonNode root) {
    this.file = file;
    this.root = root;
  }

  static GenerationConfig read(Path modelDir) {
    Optional<GenerationConfigFile> own = open(modelDir.resolve(OWN_NAME));
    Optional<GenerationConfigFile> model = open(modelDir.resolve(MODEL_NAME));
    if (own.isEmpty() && model.isEmpty()) {
      throw new UncheckedIOException(
          new NoSuchFileException(
              modelDir.toString(),
              null,
              "holds neither " + OWN_NAME + " nor " + MODEL_NAME + ": is it a model's folder?"));
    }
    GenerationConfig.Builder builder = GenerationConfig.builder();
    model.ifPresent(
        config -> {
          config.tokenIds(builder);
          // Multimodal checkpoints keep the language model's settings one level down.
          config.nested("text_config").ifPresent(text -> text.tokenIds(builder));
        });
    own.ifPresent(
        config -> {
          config.tokenIds(builder);
          config.settings(builder);
          config.warnOfWhatIsNotBuilt();
        });
    try {
      return builder.buildInherited();
    } catch (IllegalArgumentException e) {
      throw new CheckpointFormatException(modelDir.resolve(OWN_NAME) + ": " + e.getMessage(), e);
    }
  }

  private static Optional<GenerationConfigFile> open(Path file) {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      long size = Files.size(file);
      if (size > LARGEST_FILE) {
        throw new CheckpointFormatException(
            file + " has " + size + " bytes; a settings file has at most " + LARGEST_FILE);
      }
      JsonNode root = new ObjectMapper().readTree(Files.readAllBytes(file));
      if (!root.isObject()) {
        throw new CheckpointFormatException(file + " does not hold a JSON object");
      }
      return Optional.of(new GenerationConfigFile(file, root));
    } catch (JsonProcessingException e) {
      throw new CheckpointFormatException(file + " is not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private Optional<GenerationConfigFile> nested(String key) {
    JsonNode node = root.get(key);
    return node != null && node.isObject()
        ? Optional.of(new GenerationConfigFile(file, node))
        : Optional.empty();
  }

  private void tokenIds(GenerationConfig.Builder builder) {
    value("eos_token_id").ifPresent(node -> builder.eosTokenIds(idList(node)));
    value("pad_token_id")
        .filter(node -> !(node.isInt() && node.intValue() < 0)) // -1 stands for none in old files
        .ifPresent(node -> builder.padTokenId(integer("pad_token_id", node)));
  }

  private void settings(GenerationConfig.Builder builder) {
    value("max_new_tokens").ifPresent(n -> builder.maxNewTokens(integer("max_new_tokens", n)));
    value("min_new_tokens").ifPresent(n -> builder.minNewTokens(integer("min_new_tokens", n)));
    boolean doSample = value("do_sample").map(n -> bool("do_sample", n)).orElse(false);
    builder.doSample(doSample);
    value("temperature")
        .map(n -> number("temperature", n))
        // Some greedy models are published with temperature 0, which sampling could not use.
        .filter(temperature -> doSample || temperature != 0)
        .ifPresent(builder::temperature);
    value("top_k").ifPresent(n -> builder.topK(integer("top_k", n)));
    value("top_p").ifPresent(n -> builder.topP(number("top_p", n)));
    value("min_p").ifPresent(n -> builder.minP(number("min_p", n)));
    value("repetition_penalty")
        .ifPresent(n -> builder.repetitionPenalty(number("repetition_penalty", n)));
    value("stop_strings").ifPresent(n -> builder.stopStrings(strings("stop_strings", n)));
  }

  private void warnOfWhatIsNotBuilt() {
    TreeSet<String> ignored = new TreeSet<>();
    NOT_BUILT.forEach(
        (key, harmless) ->
            value(key)
                .filter(n -> !n.isNumber() || n.doubleValue() != harmless)
                .ifPresent(n -> ignored.add(key)));
    for (String key : NOT_BUILT_LISTS) {
      value(key).filter(n -> !n.isContainerNode() || !n.isEmpty()).ifPresent(n -> ignored.add(key));
    }
    if (!ignored.isEmpty()) {
      LOG.warn(
          "{} sets {}, which text generation here does not know: left out",
          file,
          String.join(", ", ignored));
    }
  }

  /** A key that is absent and one that is null mean the same in these files. */
  private Optional<JsonNode> value(String key) {
    return Optional.ofNullable(root.get(key)).filter(node -> !node.isNull());
  }

  private int[] idList(JsonNode node) {
    if (!node.isArray()) {
      return new int[] {integer("eos_token_id", node)};
    }
    int[] ids = new int[node.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = integer("eos_token_id", node.get(i));
    }
    return ids;
  }

  private int integer(String key, JsonNode node) {
    if (!node.isIntegralNumber() || !node.canConvertToInt()) {
      throw wrongType(key, "an integer", node);
    }
    return node.intValue();
  }

  private double number(String key, JsonNode node) {
    if (!node.isNumber()) {
      throw wrongType(key, "a number", node);
    }
    return node.doubleValue();
  }

  private boolean bool(String key, JsonNode node) {
    if (!node.isBoolean()) {
      throw wrongType(key, "true or false", node);
    }
    return node.booleanValue();
  }

  private List<String> strings(String key, JsonNode node) {
    if (node.isTextual()) {
      return List.of(node.textValue());
    }
    List<String> strings = new ArrayList<>();
    for (JsonNode element : node) {
      if (!element.isTextual()) {
        throw wrongType(key, "a string or a list of strings", node);
      }
      strings.add(element.textValue());
    }
    if (!node.isArray()) {
      throw wrongType(key, "a string or a list of strings", node);
    }
    return strings;
  }

  private CheckpointFormatException wrongType(String key, String expected, JsonNode found) {
    String shown = found.toString();
    return new CheckpointFormatException(
        file
            + ": "
            + key
            + " must be "
            + expected
            + " but is "
            + (shown.length() > 80 ? shown.substring(0, 80) + "…" : shown));
  }
}
