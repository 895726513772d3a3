package io.github.lora4j.examples.tokenizer;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A byte-level BPE vocabulary that can be written as a Hugging Face tokenizer.
 *
 * @param ids each token, in the byte alphabet, with its id; ids count from 0
 * @param merges the pairs to merge, the first to be learned first
 * @param specialTokens the tokens that never come out of ordinary text
 */
public record BpeVocabulary(
    Map<String, Integer> ids, List<List<String>> merges, List<String> specialTokens) {

  /** Copies the collections. */
  public BpeVocabulary {
    ids = Collections.unmodifiableMap(new LinkedHashMap<>(ids));
    merges = List.copyOf(merges);
    specialTokens = List.copyOf(specialTokens);
  }

  /** How many tokens there are. */
  public int size() {
    return ids.size();
  }

  /**
   * Writes {@code tokenizer.json} and {@code tokenizer_config.json}.
   *
   * <p>Texts get {@code bosToken} in front when special tokens are asked for.
   *
   * @param folder where to; it must exist
   * @param bosToken the special token at the beginning of a text
   * @param eosToken the special token at the end of a text
   * @param padToken the special token that fills batches
   * @param maxLength the longest text that the model takes, in tokens
   */
  public void save(Path folder, String bosToken, String eosToken, String padToken, int maxLength) {
    write(folder.resolve("tokenizer.json"), tokenizerJson(bosToken));
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("add_bos_token", true);
    config.put("add_eos_token", false);
    config.put("bos_token", bosToken);
    config.put("clean_up_tokenization_spaces", false);
    config.put("eos_token", eosToken);
    config.put("model_max_length", maxLength);
    config.put("pad_token", padToken);
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    write(folder.resolve("tokenizer_config.json"), config);
  }

  private Map<String, Object> tokenizerJson(String bosToken) {
    Map<String, Object> byteLevel = new LinkedHashMap<>();
    byteLevel.put("type", "ByteLevel");
    byteLevel.put("add_prefix_space", false);
    byteLevel.put("trim_offsets", true);
    byteLevel.put("use_regex", true);

    Map<String, Object> model = new LinkedHashMap<>();
    model.put("type", "BPE");
    model.put("dropout", null);
    model.put("unk_token", null);
    model.put("continuing_subword_prefix", null);
    model.put("end_of_word_suffix", null);
    model.put("fuse_unk", false);
    model.put("byte_fallback", false);
    model.put("ignore_merges", false);
    model.put("vocab", ids);
    model.put("merges", merges.stream().map(pair -> String.join(" ", pair)).toList());

    Map<String, Object> root = new LinkedHashMap<>();
    root.put("version", "1.0");
    root.put("truncation", null);
    root.put("padding", null);
    root.put("added_tokens", addedTokens());
    root.put("normalizer", null);
    root.put("pre_tokenizer", byteLevel);
    root.put("post_processor", template(bosToken));
    root.put("decoder", byteLevel);
    root.put("model", model);
    return root;
  }

  private List<Map<String, Object>> addedTokens() {
    List<Map<String, Object>> tokens = new ArrayList<>();
    for (String token : specialTokens) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("id", ids.get(token));
      entry.put("content", token);
      entry.put("single_word", false);
      entry.put("lstrip", false);
      entry.put("rstrip", false);
      entry.put("normalized", false);
      entry.put("special", true);
      tokens.add(entry);
    }
    return tokens;
  }

  private Map<String, Object> template(String bosToken) {
    Map<String, Object> bos = Map.of("SpecialToken", ordered("id", bosToken, "type_id", 0));
    Map<String, Object> first = Map.of("Sequence", ordered("id", "A", "type_id", 0));
    Map<String, Object> second = Map.of("Sequence", ordered("id", "B", "type_id", 1));
    Map<String, Object> token = new LinkedHashMap<>();
    token.put("id", bosToken);
    token.put("ids", List.of(ids.get(bosToken)));
    token.put("tokens", List.of(bosToken));
    Map<String, Object> template = new LinkedHashMap<>();
    template.put("type", "TemplateProcessing");
    template.put("single", List.of(bos, first));
    template.put("pair", List.of(bos, first, second));
    template.put("special_tokens", Map.of(bosToken, token));
    return template;
  }

  private static Map<String, Object> ordered(String k1, Object v1, String k2, Object v2) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put(k1, v1);
    map.put(k2, v2);
    return map;
  }

  private static void write(Path file, Object json) {
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      Files.writeString(temporary, mapper.writeValueAsString(json) + "\n");
      Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + file, e);
    }
  }
}
