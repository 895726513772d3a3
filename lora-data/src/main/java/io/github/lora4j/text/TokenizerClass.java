package io.github.lora4j.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What transformers' tokenizer classes know that their files do not say: the names of special
 * tokens, and how text is prepared.
 */
enum TokenizerClass {
  LLAMA(
      List.of("LlamaTokenizer", "CodeLlamaTokenizer", "Phi3Tokenizer"),
      List.of("llama", "mistral", "mixtral", "phi3", "internlm2", "baichuan", "yi"),
      Map.of("unk_token", "<unk>", "bos_token", "<s>", "eos_token", "</s>")),
  GEMMA(
      List.of("GemmaTokenizer"),
      List.of("gemma", "gemma2", "gemma3", "gemma3_text"),
      Map.of(
          "unk_token", "<unk>", "bos_token", "<bos>", "eos_token", "<eos>", "pad_token", "<pad>")),
  T5(
      List.of("T5Tokenizer"),
      List.of("t5", "mt5", "umt5"),
      Map.of("unk_token", "<unk>", "eos_token", "</s>", "pad_token", "<pad>")),
  GPT2(
      List.of("GPT2Tokenizer", "CodeGenTokenizer"),
      List.of("gpt2", "gpt_neo", "gptj", "gpt_bigcode", "opt", "phi", "codegen", "starcoder2"),
      Map.of(
          "unk_token",
          "<|endoftext|>",
          "bos_token",
          "<|endoftext|>",
          "eos_token",
          "<|endoftext|>")),
  GPT_NEOX(
      List.of("GPTNeoXTokenizer"),
      List.of("gpt_neox", "mamba", "olmo"),
      Map.of(
          "unk_token", "<|endoftext|>",
          "bos_token", "<|endoftext|>",
          "eos_token", "<|endoftext|>",
          "pad_token", "<|padding|>")),
  QWEN2(
      List.of("Qwen2Tokenizer"),
      List.of("qwen2", "qwen2_moe", "qwen3", "qwen3_moe"),
      Map.of(
          "unk_token",
          "<|endoftext|>",
          "eos_token",
          "<|endoftext|>",
          "pad_token",
          "<|endoftext|>")),
  ROBERTA(
      List.of("RobertaTokenizer", "BartTokenizer"),
      List.of("roberta", "bart"),
      Map.of(
          "bos_token", "<s>",
          "eos_token", "</s>",
          "sep_token", "</s>",
          "cls_token", "<s>",
          "unk_token", "<unk>",
          "pad_token", "<pad>",
          "mask_token", "<mask>"));

  private final List<String> names;
  private final List<String> modelTypes;
  private final Map<String, String> specialTokens;

  TokenizerClass(List<String> names, List<String> modelTypes, Map<String, String> specialTokens) {
    this.names = names;
    this.modelTypes = modelTypes;
    this.specialTokens = specialTokens;
  }

  /**
   * Returns the class that {@code tokenizer_config.json} names; where the folder has no {@code
   * tokenizer.json} also by the kind of model that {@code config.json} names.
   */
  static Optional<TokenizerClass> of(Path folder) {
    String name = name(folder).replaceFirst("Fast$", "");
    Optional<TokenizerClass> named =
        Arrays.stream(values()).filter(each -> each.names.contains(name)).findFirst();
    if (named.isPresent() || Files.exists(folder.resolve(TokenizerFiles.TOKENIZER))) {
      return named;
    }
    String type = TokenizerFiles.settings(folder, "config.json").path("model_type").asText();
    return Arrays.stream(values()).filter(each -> each.modelTypes.contains(type)).findFirst();
  }

  /** Returns the name in {@code tokenizer_config.json}, "" if there is none. */
  static String name(Path folder) {
    return TokenizerFiles.settings(folder, "tokenizer_config.json")
        .path("tokenizer_class")
        .asText();
  }

  /** Returns the special tokens by role that are meant where no file names any. */
  Map<String, String> specialTokens() {
    return specialTokens;
  }

  /** Returns the names of some classes, for messages. */
  static String names(List<TokenizerClass> classes) {
    return classes.stream().flatMap(each -> each.names.stream()).collect(Collectors.joining(", "));
  }
}
