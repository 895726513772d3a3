package io.github.lora4j.io.hub;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** What is wanted of a repository, and so which of its files; no others are ever fetched. */
enum Content {
  /** Configuration, tokenizer and weights of a model. */
  MODEL("model", List.of("config.json", "generation_config.json")),
  /** An adapter, and the tokenizer that may lie beside it. */
  ADAPTER("adapter", List.of("adapter_config.json")),
  /** What encodes and decodes text. */
  TOKENIZER("tokenizer", List.of("config.json"));

  static final String CONFIG = "config.json";
  static final String ADAPTER_CONFIG = "adapter_config.json";
  static final String WEIGHTS = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";
  static final String ADAPTER_WEIGHTS = "adapter_model.safetensors";

  private static final String TOKENIZER_FILE = "tokenizer.json";

  private static final List<String> BESIDE_A_TOKENIZER =
      List.of(
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "chat_template.jinja",
          "chat_template.json",
          TOKENIZER_FILE);

  /** What repositories have that nobody has converted to tokenizer.json. */
  private static final List<String> OLDER_TOKENIZERS =
      List.of(
          "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "merges.txt");

  private static final Pattern TEMPLATE =
      Pattern.compile("additional_chat_templates/\\w[\\w.-]*\\.jinja");

  private final String what;
  private final List<String> configuration;

  Content(String what, List<String> configuration) {
    this.what = what;
    this.configuration = configuration;
  }

  /** How messages call it. */
  String what() {
    return what;
  }

  /** The names of small files to look for, of which many are not in many repositories. */
  List<String> smallFiles(Predicate<String> isThere) {
    List<String> names = new ArrayList<>(configuration);
    names.addAll(BESIDE_A_TOKENIZER);
    if (!isThere.test(TOKENIZER_FILE)) {
      names.addAll(OLDER_TOKENIZERS);
    }
    return names;
  }

  /** The names of weights, or of the index that names them, to look for. */
  List<String> weightFiles(Predicate<String> isThere) {
    return switch (this) {
      case MODEL -> isThere.test(WEIGHTS) ? List.of(WEIGHTS) : List.of(WEIGHTS, INDEX);
      case ADAPTER -> List.of(ADAPTER_WEIGHTS);
      case TOKENIZER -> List.of();
    };
  }

  /** Whether these files make up what is wanted, shards of weights aside. */
  boolean isUsable(Predicate<String> isThere) {
    return switch (this) {
      case MODEL -> isThere.test(CONFIG) && (isThere.test(WEIGHTS) || isThere.test(INDEX));
      case ADAPTER -> isThere.test(ADAPTER_CONFIG) && isThere.test(ADAPTER_WEIGHTS);
      case TOKENIZER -> hasTokenizer(isThere);
    };
  }

  private static boolean hasTokenizer(Predicate<String> isThere) {
    return isThere.test(TOKENIZER_FILE) || OLDER_TOKENIZERS.stream().anyMatch(isThere);
  }

  /** Whether a file is one of the chat templates that a tokenizer may have beside its first. */
  static boolean isFurtherTemplate(String name) {
    return TEMPLATE.matcher(name).matches();
  }
}
