package io.github.lora4j.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads {@code vocab.json} and {@code merges.txt}. */
final class VocabFile {

  private VocabFile() {}

  /** Returns the tokens with their ids. */
  static Map<String, Integer> read(Path file) throws IOException {
    // As for tokenizer.json: a table of field names is made for few.
    JsonFactory factory =
        JsonFactory.builder()
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .build();
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    try (JsonParser parser = factory.createParser(TokenizerFiles.read(file))) {
      boolean object = parser.nextToken() == JsonToken.START_OBJECT;
      while (object && parser.nextToken() == JsonToken.FIELD_NAME) {
        String token = parser.currentName();
        boolean number = parser.nextToken() == JsonToken.VALUE_NUMBER_INT;
        if (!number || parser.getIntValue() < 0) {
          throw new IOException("expected an id for \"" + token + "\", found " + parser.getText());
        }
        vocabulary.put(token, parser.getIntValue());
      }
    }
    if (vocabulary.isEmpty()) {
      throw new IOException("expected an object of tokens and ids");
    }
    return vocabulary;
  }

  /** Returns the pairs of tokens that become one, the first to be applied first. */
  static List<String[]> readMerges(Path file) throws IOException {
    List<String[]> merges = new ArrayList<>();
    int number = 0;
    for (String line : TokenizerFiles.read(file).split("\r?\n", -1)) {
      number++;
      if (line.isEmpty() || line.startsWith("#version")) {
        continue;
      }
      String[] parts = line.split(" ", -1);
      if (parts.length != 2) {
        throw new IOException(
            file + ", line " + number + ": expected two tokens, found \"" + line + "\"");
      }
      merges.add(parts);
    }
    return merges;
  }
}
