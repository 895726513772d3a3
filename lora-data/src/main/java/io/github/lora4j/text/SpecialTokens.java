package io.github.lora4j.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The ids of the tokens with a role, each empty if the tokenizer has no such token. */
record SpecialTokens(OptionalInt bos, OptionalInt eos, OptionalInt pad, OptionalInt unk) {

  private static final List<String> FILES =
      List.of("tokenizer_config.json", "special_tokens_map.json");

  private static final List<String> ROLES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private static final Logger log = LoggerFactory.getLogger(SpecialTokens.class);

  /**
   * Reads the roles from {@code tokenizer_config.json}, else {@code special_tokens_map.json}, else
   * as the tokenizer's class has them, else the ids in {@code config.json}. The first file that has
   * the key decides, even if it says null.
   */
  static SpecialTokens read(Path folder, Vocabulary vocabulary) {
    Map<String, JsonNode> named = named(folder);
    JsonNode config = TokenizerFiles.settings(folder, "config.json");
    return new SpecialTokens(
        find("bos", folder, named, config, vocabulary),
        find("eos", folder, named, config, vocabulary),
        find("pad", folder, named, config, vocabulary),
        find("unk", folder, named, config, vocabulary));
  }

  /** Returns what the files name, by role and in the roles' order, a JSON null included. */
  private static Map<String, JsonNode> named(Path folder) {
    List<JsonNode> files =
        FILES.stream().map(name -> TokenizerFiles.settings(folder, name)).toList();
    Map<String, JsonNode> named = new LinkedHashMap<>();
    for (String role : ROLES) {
      for (JsonNode file : files) {
        if (file.has(role)) {
          named.putIfAbsent(role, file.get(role));
        }
      }
    }
    return named;
  }

  /** Returns the tokens that the files of a folder name, by names such as {@code bos_token}. */
  static Map<String, JsonNode> ofFiles(Path folder) {
    Map<String, JsonNode> named = named(folder);
    named.values().removeIf(JsonNode::isNull);
    return named;
  }

  /**
   * Returns the tokens by names such as {@code bos_token}, each a text or an object with "content":
   * what the files name, else what the tokenizer's class does.
   */
  static Map<String, JsonNode> tokens(Path folder) {
    Map<String, JsonNode> named = named(folder);
    Map<String, String> others =
        TokenizerClass.of(folder).map(TokenizerClass::specialTokens).orElse(Map.of());
    Map<String, JsonNode> tokens = new LinkedHashMap<>();
    for (String role : ROLES) {
      JsonNode token = named.get(role);
      if (token == null && others.containsKey(role)) {
        tokens.put(role, TextNode.valueOf(others.get(role)));
      } else if (token != null && !token.isNull()) {
        tokens.put(role, token);
      }
    }
    return tokens;
  }

  /** Returns the texts of {@link #tokens}. */
  static Map<String, String> texts(Path folder) {
    Map<String, String> texts = new LinkedHashMap<>();
    tokens(folder).forEach((role, token) -> texts.put(role, content(token)));
    return texts;
  }

  private static OptionalInt find(
      String role,
      Path folder,
      Map<String, JsonNode> named,
      JsonNode config,
      Vocabulary vocabulary) {
    JsonNode token = named.get(role + "_token");
    if (token != null) {
      return token.isNull() ? OptionalInt.empty() : named(role, folder, token, vocabulary);
    }
    String meant =
        TokenizerClass.of(folder).map(type -> type.specialTokens().get(role + "_token")).orElse("");
    if (vocabulary.id(meant).isPresent()) {
      return vocabulary.id(meant);
    }
    JsonNode id = config.path(role + "_token_id");
    // Several ends of sequence are a list: the first is the one to write.
    int value = (id.isArray() ? id.path(0) : id).asInt(-1);
    return value >= 0 && value < vocabulary.size() ? OptionalInt.of(value) : OptionalInt.empty();
  }

  /** Looks up a token that is written as text or as an object with "content". */
  private static OptionalInt named(
      String role, Path folder, JsonNode token, Vocabulary vocabulary) {
    String content = content(token);
    OptionalInt id = vocabulary.id(content);
    if (id.isEmpty()) {
      log.warn(
          "{}: the {}_token \"{}\" is not in the vocabulary; going on without one",
          folder,
          role,
          content);
    }
    return id;
  }

  static String content(JsonNode token) {
    return (token.isObject() ? token.path("content") : token).asText();
  }
}
