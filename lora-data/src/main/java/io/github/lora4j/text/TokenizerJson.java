package io.github.lora4j.text;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Parts of a {@code tokenizer.json} that is made of other files. */
final class TokenizerJson {

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private TokenizerJson() {}

  static ObjectNode type(String type) {
    return NODES.objectNode().put("type", type);
  }

  static ObjectNode sequence(String parts, List<ObjectNode> list) {
    ObjectNode sequence = type("Sequence");
    sequence.putArray(parts).addAll(list);
    return sequence;
  }

  /** Returns a normalizer or decoder that replaces a text. */
  static ObjectNode replace(String text, String by) {
    return pattern("Replace", "String", text).put("content", by);
  }

  /** Returns a part with a pattern: {@code kind} is String or Regex. */
  static ObjectNode pattern(String type, String kind, String pattern) {
    ObjectNode part = type(type);
    part.putObject("pattern").put(kind, pattern);
    return part;
  }

  static ObjectNode split(String kind, String pattern, String behavior) {
    return pattern("Split", kind, pattern).put("behavior", behavior).put("invert", false);
  }

  static ObjectNode byteLevel(boolean addPrefixSpace, boolean useRegex) {
    return type("ByteLevel")
        .put("add_prefix_space", addPrefixSpace)
        .put("trim_offsets", true)
        .put("use_regex", useRegex);
  }

  /** Returns what puts special tokens around a text; null for one that is not put there. */
  static ObjectNode frame(AddedTokens tokens, @Nullable String before, @Nullable String after) {
    ObjectNode processor = type("TemplateProcessing");
    ArrayNode single = processor.putArray("single");
    ArrayNode pair = processor.putArray("pair");
    ObjectNode used = processor.putObject("special_tokens");
    for (String sequence : List.of("A", "B")) {
      boolean first = sequence.equals("A");
      for (ArrayNode template : first ? List.of(single, pair) : List.of(pair)) {
        special(template, used, tokens, before);
        template.addObject().putObject("Sequence").put("id", sequence).put("type_id", 0);
        special(template, used, tokens, after);
      }
    }
    return processor;
  }

  private static void special(
      ArrayNode template, ObjectNode used, AddedTokens tokens, @Nullable String token) {
    Integer id = token == null ? null : tokens.id(token);
    if (token == null || id == null) {
      return;
    }
    template.addObject().putObject("SpecialToken").put("id", token).put("type_id", 0);
    ObjectNode entry = used.putObject(token).put("id", token);
    entry.putArray("ids").add(id);
    entry.putArray("tokens").add(token);
  }

  /** Returns the whole file. */
  static String write(
      AddedTokens added,
      @Nullable ObjectNode normalizer,
      @Nullable ObjectNode preTokenizer,
      @Nullable ObjectNode postProcessor,
      ObjectNode decoder,
      ObjectNode model)
      throws IOException {
    ObjectNode root = NODES.objectNode().put("version", "1.0");
    root.set("added_tokens", added.toJson());
    root.set("normalizer", normalizer);
    root.set("pre_tokenizer", preTokenizer);
    root.set("post_processor", postProcessor);
    root.set("decoder", decoder);
    root.set("model", model);
    return new ObjectMapper().writeValueAsString(root);
  }
}
