package io.github.lora4j.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The tokens that a {@code tokenizer.json} lists: those of its model (BPE, WordPiece and WordLevel
 * write an object, Unigram a list) and the added ones.
 */
final class Vocabulary {

  private final Map<String, Integer> ids = new HashMap<>();
  private int size;
  private boolean marksContinuations;

  private Vocabulary() {}

  /**
   * Reads the tokens and skips the rest, in one pass and without a tree: the file can be large.
   *
   * @throws IOException if this is not JSON, or a token has no sensible id
   */
  static Vocabulary parse(String json) throws IOException {
    ObjectMapper mapper = mapper();
    Vocabulary vocabulary = new Vocabulary();
    // An added token can also stand in the model, under another id: the added one counts.
    Map<String, Integer> added = new HashMap<>();
    try (JsonParser parser = mapper.getFactory().createParser(json)) {
      require(parser, parser.nextToken() == JsonToken.START_OBJECT, "an object");
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String field = parser.currentName();
        JsonToken value = parser.nextToken();
        if (field.equals("added_tokens") && value == JsonToken.START_ARRAY) {
          while (parser.nextToken() == JsonToken.START_OBJECT) {
            readAdded(parser, added);
          }
        } else if (field.equals("model") && value == JsonToken.START_OBJECT) {
          vocabulary.readModel(parser);
        } else if (field.equals("post_processor")) {
          TokenizerCheck.postProcessor(mapper.readTree(parser));
        } else if (field.equals("decoder")) {
          TokenizerCheck.decoder(mapper.readTree(parser));
        } else {
          parser.skipChildren();
        }
      }
    }
    if (vocabulary.marksContinuations) {
      // Rare enough to read the file once more.
      TokenizerCheck.merges(mapper.readTree(json).path("model"));
    }
    vocabulary.ids.putAll(added);
    for (int id : vocabulary.ids.values()) {
      vocabulary.size = Math.max(vocabulary.size, Math.addExact(id, 1));
    }
    return vocabulary;
  }

  /** Vocabularies would overflow Jackson's usual table of field names, which is made for few. */
  static ObjectMapper mapper() {
    return new ObjectMapper(
        JsonFactory.builder()
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .build());
  }

  private static void readAdded(JsonParser parser, Map<String, Integer> added) throws IOException {
    String content = null;
    int id = -1;
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = parser.currentName();
      parser.nextToken();
      switch (field) {
        case "id" -> id = id(parser);
        case "content" -> content = parser.getText();
        default -> parser.skipChildren();
      }
    }
    require(parser, content != null && id >= 0, "an added token with \"id\" and \"content\"");
    added.put(content, id);
  }

  private void readModel(JsonParser parser) throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = parser.currentName();
      JsonToken value = parser.nextToken();
      if (field.equals("vocab") && value == JsonToken.START_OBJECT) {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          String token = parser.currentName();
          parser.nextToken();
          ids.put(token, id(parser));
        }
      } else if (field.equals("vocab") && value == JsonToken.START_ARRAY) {
        for (int id = 0; parser.nextToken() == JsonToken.START_ARRAY; id++) {
          require(parser, parser.nextToken() == JsonToken.VALUE_STRING, "a token's text");
          ids.put(parser.getText(), id);
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            parser.skipChildren();
          }
        }
      } else {
        if (field.equals("continuing_subword_prefix") && value == JsonToken.VALUE_STRING) {
          marksContinuations = !parser.getText().isEmpty();
        }
        parser.skipChildren();
      }
    }
  }

  private static int id(JsonParser parser) throws IOException {
    require(parser, parser.currentToken() == JsonToken.VALUE_NUMBER_INT, "a token's id");
    int id = parser.getIntValue();
    require(parser, id >= 0 && id < Integer.MAX_VALUE, "an id of at least 0");
    return id;
  }

  private static void require(JsonParser parser, boolean fits, String expected) throws IOException {
    if (!fits) {
      throw new IOException(
          "line "
              + parser.currentLocation().getLineNr()
              + ", character "
              + parser.currentLocation().getColumnNr()
              + ": expected "
              + expected
              + ", found "
              + parser.currentToken());
    }
  }

  OptionalInt id(String token) {
    Integer id = ids.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** All ids by token. */
  Map<String, Integer> ids() {
    return Collections.unmodifiableMap(ids);
  }

  /** One more than the largest id. */
  int size() {
    return size;
  }
}
