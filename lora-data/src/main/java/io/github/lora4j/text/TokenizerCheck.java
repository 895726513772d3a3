package io.github.lora4j.text;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Checks what the native library takes on trust in a {@code tokenizer.json}: where it finds itself
 * deceived, it does not throw but ends the whole JVM.
 */
final class TokenizerCheck {

  private TokenizerCheck() {}

  /**
   * Checks a post-processor and those it consists of: a template may use only special tokens that
   * it defines, and for a single text only that text.
   *
   * @throws IllegalArgumentException naming the template and what is wrong
   */
  static void postProcessor(JsonNode processor) {
    processor.path("processors").forEach(TokenizerCheck::postProcessor);
    if (processor.path("type").asText().equals("TemplateProcessing")) {
      template("single", processor);
      template("pair", processor);
    }
  }

  private static void template(String name, JsonNode processor) {
    for (JsonNode piece : processor.path(name)) {
      JsonNode token = piece.path("SpecialToken").path("id");
      if (!token.isMissingNode() && !processor.path("special_tokens").has(token.asText())) {
        throw new IllegalArgumentException(
            "post_processor: \""
                + name
                + "\" uses the special token "
                + token
                + ", which \"special_tokens\" does not define");
      }
      if (name.equals("single") && piece.path("Sequence").path("id").asText().equals("B")) {
        throw new IllegalArgumentException(
            "post_processor: \"single\" uses the sequence B of a pair, expected A alone");
      }
    }
  }

  /**
   * Checks a decoder and those it consists of: one that strips characters from the end counts
   * beyond the beginning of a piece that is empty.
   *
   * @throws IllegalArgumentException if it does
   */
  static void decoder(JsonNode decoder) {
    decoder.path("decoders").forEach(TokenizerCheck::decoder);
    if (decoder.path("type").asText().equals("Strip") && decoder.path("stop").asLong() != 0) {
      throw new IllegalArgumentException(
          "decoder: \"Strip\" with \"stop\" " + decoder.path("stop") + ", only 0 is supported");
    }
  }

  /**
   * Checks a model's merges: where pieces that continue a word are marked, the second of a pair
   * must carry the mark.
   *
   * @throws IllegalArgumentException naming the merge that is wrong
   */
  static void merges(JsonNode model) {
    String mark = model.path("continuing_subword_prefix").asText();
    int number = 0;
    for (JsonNode merge : model.path("merges")) {
      String second =
          merge.isArray()
              ? merge.path(1).asText()
              : merge.asText().substring(merge.asText().indexOf(' ') + 1);
      if (!second.startsWith(mark)) {
        throw new IllegalArgumentException(
            "model: merge "
                + number
                + " is "
                + merge
                + ", its second half must start with the continuing_subword_prefix \""
                + mark
                + "\"");
      }
      number++;
    }
  }
}
