package io.github.lora4j.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tokens that {@code tokenizer_config.json} and its companions name and {@code tokenizer.json}
 * lacks, as after an edit by hand: transformers adds them when it loads.
 *
 * <p>Unlike there, one that the model has no embedding for is left out, with a warning: its id
 * would fail in the model, and a padding token of that kind has a good substitute. A token with a
 * role is added only where {@code config.json} says that there is one.
 */
final class DeclaredTokens {

  private static final Logger log = LoggerFactory.getLogger(DeclaredTokens.class);

  private DeclaredTokens() {}

  /** Returns the text of a {@code tokenizer.json} with them; empty if it lacks none. */
  static Optional<String> addedTo(String json, Vocabulary vocabulary, Path folder)
      throws IOException {
    JsonNode known = TokenizerFiles.settings(folder, "config.json").path("vocab_size");
    int rows = known.asInt(Integer.MAX_VALUE);
    AddedTokens added = new AddedTokens(vocabulary.ids(), vocabulary.size());
    added.addAll(
        TokenizerSettings.read(folder), known.isInt() ? SpecialTokens.ofFiles(folder) : Map.of());
    List<JsonNode> missing = added.missing();
    List<JsonNode> fitting =
        missing.stream().filter(token -> token.path("id").asInt() < rows).toList();
    if (fitting.size() < missing.size()) {
      log.warn(
          "{}: not added to the vocabulary, since the model has only {} embeddings: {}",
          folder,
          rows,
          missing.stream().skip(fitting.size()).map(SpecialTokens::content).toList());
    }
    if (fitting.isEmpty()) {
      return Optional.empty();
    }
    ObjectMapper mapper = Vocabulary.mapper();
    ObjectNode root = (ObjectNode) mapper.readTree(json);
    root.withArray("added_tokens").addAll(fitting);
    return Optional.of(mapper.writeValueAsString(root));
  }
}
