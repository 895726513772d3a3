package io.github.lora4j.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A JSON object out of an untrusted file, read token by token.
 *
 * <p>Refuses invalid UTF-8 and lone surrogates in names, duplicate keys, deep nesting and anything
 * after the object; every failure is a {@link CheckpointFormatException} that names the file.
 */
final class StrictJson {

  private static final int MAX_DEPTH = 16;
  private static final int MAX_DIGITS = 40;

  // Names are neither interned nor kept in the factory's symbol table: hostile files would fill it.
  private static final JsonFactory FACTORY =
      new JsonFactoryBuilder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNumberLength(MAX_DIGITS)
                  .maxStringLength(Header.MAX_BYTES)
                  .build())
          .build();

  private final Path file;
  private final String what;
  private final JsonParser parser;

  private StrictJson(Path file, String what, JsonParser parser) {
    this.file = file;
    this.what = what;
    this.parser = parser;
  }

  /** What reads the value of one key. */
  @FunctionalInterface
  interface FieldReader {
    void read(String key) throws IOException;
  }

  /** What reads a whole document, given its reader. */
  @FunctionalInterface
  interface DocumentReader {
    void read(StrictJson json) throws IOException;
  }

  /** Reads one JSON object; {@code what} names it in messages: "the header". */
  static void read(Path file, String what, ByteBuffer utf8, DocumentReader reader) {
    try (JsonParser parser = FACTORY.createParser(decode(file, what, utf8))) {
      StrictJson json = new StrictJson(file, what, parser);
      parser.nextToken();
      reader.read(json);
      if (parser.nextToken() != null) {
        throw json.error("has something after its closing brace");
      }
    } catch (JsonProcessingException e) {
      throw new CheckpointFormatException(
          "%s: %s is not valid JSON: %s".formatted(file, what, e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw new CheckpointFormatException("%s: %s cannot be read".formatted(file, what), e);
    }
  }

  private static String decode(Path file, String what, ByteBuffer utf8) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
    } catch (CharacterCodingException e) {
      throw new CheckpointFormatException("%s: %s is not valid UTF-8".formatted(file, what), e);
    }
  }

  /** Reads the object at the current token; {@code where} is what it describes. */
  void object(String where, FieldReader reader) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw expected("an object", where);
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = parser.currentName();
      parser.nextToken();
      reader.read(key);
    }
  }

  String string(String where) throws IOException {
    if (parser.currentToken() != JsonToken.VALUE_STRING) {
      throw expected("a string", where);
    }
    return parser.getText();
  }

  /** Reads an array of at most {@code limit} whole numbers from 0 to 2^63 - 1. */
  long[] counts(String where, int limit) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw expected("an array", where);
    }
    long[] counts = new long[limit];
    int n = 0;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (n == limit) {
        throw error("has more than %d numbers in %s".formatted(limit, where));
      }
      counts[n++] = count(where);
    }
    return Arrays.copyOf(counts, n);
  }

  private long count(String where) throws IOException {
    String text = parser.getText();
    if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT || text.startsWith("-")) {
      throw expected("a whole number of at least 0", where);
    }
    if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
      throw error("has a number over 2^63 - 1 in %s: %s".formatted(where, Quoted.of(text)));
    }
    return parser.getLongValue();
  }

  void skip() throws IOException {
    parser.skipChildren();
  }

  CheckpointFormatException error(String problem) {
    return new CheckpointFormatException("%s: %s %s".formatted(file, what, problem));
  }

  private CheckpointFormatException expected(String type, String where) throws IOException {
    JsonToken token = parser.currentToken();
    String found =
        token == null ? "nothing" : token.isStructStart() ? token.asString() : parser.getText();
    return error("has no %s where %s is: found %s".formatted(type, where, Quoted.of(found)));
  }
}
