package io.github.lora4j.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Takes a {@code tokenizer.json} apart into the files that repositories had before it. */
final class OldFiles {

  private OldFiles() {}

  /** Writes vocab.json, merges.txt, and tokenizer_config.json with the class and added tokens. */
  static void write(Path tokenizerJson, Path folder, String tokenizerClass) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    JsonNode tokenizer = mapper.readTree(tokenizerJson.toFile());
    Files.createDirectories(folder);
    mapper.writeValue(folder.resolve("vocab.json").toFile(), tokenizer.at("/model/vocab"));
    StringBuilder merges = new StringBuilder("#version: 0.2\n");
    for (JsonNode merge : tokenizer.at("/model/merges")) {
      merges
          .append(
              merge.isArray()
                  ? merge.get(0).asText() + " " + merge.get(1).asText()
                  : merge.asText())
          .append('\n');
    }
    Files.writeString(folder.resolve("merges.txt"), merges);
    ObjectNode config = mapper.createObjectNode().put("tokenizer_class", tokenizerClass);
    ObjectNode added = config.putObject("added_tokens_decoder");
    for (JsonNode token : tokenizer.get("added_tokens")) {
      ObjectNode entry = ((ObjectNode) token).deepCopy();
      added.set(entry.remove("id").asText(), entry);
    }
    mapper.writeValue(folder.resolve("tokenizer_config.json").toFile(), config);
  }
}
