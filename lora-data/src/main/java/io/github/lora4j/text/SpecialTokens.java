package io.github.lora4j.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The ids of the tokens with a role, each empty if the tokenizer has no such token. */
record SpecialTokens(OptionalInt bos, OptionalInt eos, OptionalInt pad, OptionalInt unk) {

  private static final Logger log = LoggerFactory.getLogger(SpecialTokens.class);

  /**
   * Reads the roles from {@code tokenizer_config.json}, else {@code special_tokens_map.json}, else
   * the ids in {@code config.json}. The first file that has the key decides, even if it says null.
   */
  static SpecialTokens read(Path folder, Vocabulary vocabulary) {
    List<String> names = List.of("tokenizer_config.json", "special_tokens_map.json");
    List<JsonNode> tokens =
        names.stream().map(name -> TokenizerFiles.settings(folder, name)).toList();
    JsonNode config = TokenizerFiles.settings(folder, "config.json");
    return new SpecialTokens(
        find("bos", folder, tokens, config, vocabulary),
        find("eos", folder, tokens, config, vocabulary),
        find("pad", folder, tokens, config, vocabulary),
        find("unk", folder, tokens, config, vocabulary));
  }

  private static OptionalInt find(
      String role, Path folder, List<JsonNode> files, JsonNode config, Vocabulary vocabulary) {
    for (JsonNode file : files) {
      JsonNode token = file.get(role + "_token");
      if (token != null) {
        return token.isNull() ? OptionalInt.empty() : named(role, folder, token, vocabulary);
      }
    }
    JsonNode id = config.path(role + "_token_id");
    // Several ends of sequence are a list: the first is the one to write.
    int value = (id.isArray() ? id.path(0) : id).asInt(-1);
    return value >= 0 && value < vocabulary.size() ? OptionalInt.of(value) : OptionalInt.empty();
  }

  /** Looks up a token that is written as text or as an object with "content". */
  private static OptionalInt named(
      String role, Path folder, JsonNode token, Vocabulary vocabulary) {
    String content = (token.isObject() ? token.path("content") : token).asText();
    OptionalInt id = vocabulary.id(content);
    if (id.isEmpty()) {
      log.warn(
          "{}: the {}_token \"{}\" is not in tokenizer.json; going on without one",
          folder,
          role,
          content);
    }
    return id;
  }
}
