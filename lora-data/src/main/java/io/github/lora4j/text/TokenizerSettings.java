package io.github.lora4j.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The settings of a tokenizer that has no {@code tokenizer.json}: {@code tokenizer_config.json}.
 */
record TokenizerSettings(Path folder, JsonNode config, Optional<TokenizerClass> type) {

  static TokenizerSettings read(Path folder) {
    JsonNode config = TokenizerFiles.settings(folder, "tokenizer_config.json");
    return new TokenizerSettings(folder, config, TokenizerClass.of(folder));
  }

  boolean is(TokenizerClass wanted) {
    return type.isPresent() && type.get() == wanted;
  }

  /** Returns a switch; its default where the file has none, or null. */
  boolean flag(String name, boolean otherwise) {
    JsonNode value = config.path(name);
    return value.isBoolean() ? value.asBoolean() : otherwise;
  }
}
