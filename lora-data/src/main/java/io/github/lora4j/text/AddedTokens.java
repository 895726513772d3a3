package io.github.lora4j.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.github.lora4j.error.CheckpointFormatException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The tokens that are found in a text before it is cut into pieces, collected from all files that
 * name some. New ones get the next free ids in the order of the ids they ask for, as in Python.
 */
final class AddedTokens {

  private record Token(
      String content,
      boolean singleWord,
      boolean lstrip,
      boolean rstrip,
      boolean normalized,
      boolean special) {

    static Token of(JsonNode token, boolean special) {
      if (!token.isObject()) {
        return new Token(token.asText(), false, false, false, !special, special);
      }
      return new Token(
          token.path("content").asText(),
          token.path("single_word").asBoolean(),
          token.path("lstrip").asBoolean(),
          token.path("rstrip").asBoolean(),
          token.path("normalized").asBoolean(!special),
          special || token.path("special").asBoolean());
    }
  }

  private final Map<String, Integer> vocabulary;
  private final Map<String, Token> tokens = new LinkedHashMap<>();
  private final Map<String, Integer> ids = new LinkedHashMap<>();
  private int next;

  /** Starts with none. */
  AddedTokens(Map<String, Integer> vocabulary) {
    this(vocabulary, vocabulary.size());
  }

  /**
   * Starts with none.
   *
   * @param next the first free id
   */
  AddedTokens(Map<String, Integer> vocabulary, int next) {
    this.vocabulary = vocabulary;
    this.next = next;
  }

  /** Adds a token of the vocabulary itself. */
  void add(String content, boolean special) {
    put(new Token(content, false, false, false, false, special));
  }

  private void put(Token token) {
    if (token.content().isEmpty()) {
      return;
    }
    tokens.put(token.content(), token);
    ids.computeIfAbsent(
        token.content(),
        content -> {
          Integer id = vocabulary.get(content);
          return id == null ? next++ : id;
        });
  }

  /** Adds the tokens that the files of a folder name, and those that its class does. */
  void addAll(TokenizerSettings settings) {
    addAll(settings, SpecialTokens.tokens(settings.folder()));
  }

  /**
   * Adds the tokens that the files of a folder name.
   *
   * @param special those with a role
   */
  void addAll(TokenizerSettings settings, Map<String, JsonNode> special) {
    List<JsonNode> extra = extraTokens(settings);
    Set<String> specialNames = new HashSet<>();
    special.values().forEach(token -> specialNames.add(SpecialTokens.content(token)));
    extra.forEach(token -> specialNames.add(SpecialTokens.content(token)));
    JsonNode decoder = settings.config().path("added_tokens_decoder");
    if (decoder.isObject()) {
      Map<Integer, JsonNode> byId = new TreeMap<>();
      decoder.properties().forEach(each -> byId.put(id(settings, each.getKey()), each.getValue()));
      byId.values()
          .forEach(
              token -> put(Token.of(token, specialNames.contains(SpecialTokens.content(token)))));
    } else {
      addLegacy(settings.folder(), specialNames);
    }
    special.values().forEach(this::addIfAbsent);
    extra.forEach(this::addIfAbsent);
  }

  private static int id(TokenizerSettings settings, String id) {
    try {
      return Integer.parseInt(id);
    } catch (NumberFormatException e) {
      throw new CheckpointFormatException(
          settings.folder().resolve("tokenizer_config.json")
              + ": \"added_tokens_decoder\" expects ids, found \""
              + id
              + "\"",
          e);
    }
  }

  /** What older repositories have: each token with the id it asks for. */
  private void addLegacy(Path folder, Set<String> specialNames) {
    Map<Integer, String> byId = new TreeMap<>();
    TokenizerFiles.settings(folder, "added_tokens.json")
        .properties()
        .forEach(each -> byId.put(each.getValue().asInt(), each.getKey()));
    for (String token : byId.values()) {
      boolean special = specialNames.contains(token);
      put(new Token(token, false, false, false, !special, special));
    }
  }

  private void addIfAbsent(JsonNode token) {
    if (!tokens.containsKey(SpecialTokens.content(token))) {
      put(Token.of(token, true));
    }
  }

  private static List<JsonNode> extraTokens(TokenizerSettings settings) {
    List<JsonNode> extra = new ArrayList<>();
    for (JsonNode file :
        List.of(
            settings.config(),
            TokenizerFiles.settings(settings.folder(), "special_tokens_map.json"))) {
      // A list of tokens, or an object with a name for each; the older name counts less.
      String name =
          file.has("extra_special_tokens") ? "extra_special_tokens" : "additional_special_tokens";
      file.path(name).forEach(extra::add);
    }
    return extra;
  }

  /** Returns those that the vocabulary lacks, as {@code tokenizer.json} lists them, by id. */
  List<JsonNode> missing() {
    List<JsonNode> missing = new ArrayList<>();
    for (JsonNode token : toJson()) {
      if (!vocabulary.containsKey(token.path("content").asText())) {
        missing.add(token);
      }
    }
    return missing;
  }

  /** Returns the id of an added token or one of the vocabulary. */
  @Nullable Integer id(String token) {
    Integer id = ids.get(token);
    return id == null ? vocabulary.get(token) : id;
  }

  /** Returns the tokens as {@code tokenizer.json} lists them, by id. */
  ArrayNode toJson() {
    ArrayNode list = new ObjectMapper().createArrayNode();
    tokens.values().stream()
        .sorted(Comparator.comparingInt(token -> ids.getOrDefault(token.content(), 0)))
        .forEach(
            token ->
                list.addObject()
                    .put("id", ids.get(token.content()))
                    .put("content", token.content())
                    .put("single_word", token.singleWord())
                    .put("lstrip", token.lstrip())
                    .put("rstrip", token.rstrip())
                    .put("normalized", token.normalized())
                    .put("special", token.special()));
    return list;
  }
}
