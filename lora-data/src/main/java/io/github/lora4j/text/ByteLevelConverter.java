package io.github.lora4j.text;

import static io.github.lora4j.text.TokenizerJson.byteLevel;
import static io.github.lora4j.text.TokenizerJson.sequence;
import static io.github.lora4j.text.TokenizerJson.type;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes a {@code tokenizer.json} of {@code vocab.json} and {@code merges.txt}. */
final class ByteLevelConverter {

  private static final Set<TokenizerClass> KNOWN =
      EnumSet.of(
          TokenizerClass.GPT2,
          TokenizerClass.GPT_NEOX,
          TokenizerClass.QWEN2,
          TokenizerClass.ROBERTA);

  /** Qwen's own: each digit is a word, and a line break ends one. */
  private static final String QWEN_WORDS =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
          + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private ByteLevelConverter() {}

  static String convert(Path vocabFile, Path mergesFile, TokenizerSettings settings)
      throws IOException {
    TokenizerClass type =
        settings
            .type()
            .filter(KNOWN::contains)
            .orElseThrow(() -> unknown(vocabFile, settings.folder()));
    Map<String, Integer> vocabulary = VocabFile.read(vocabFile);
    AddedTokens added = new AddedTokens(vocabulary);
    added.addAll(settings);
    ObjectNode model = type("BPE").put("fuse_unk", false).put("byte_fallback", false);
    ObjectNode ids = model.putObject("vocab");
    vocabulary.forEach(ids::put);
    ArrayNode merges = model.putArray("merges");
    for (String[] merge : VocabFile.readMerges(mergesFile)) {
      merges.addArray().add(merge[0]).add(merge[1]);
    }
    boolean prefix = settings.flag("add_prefix_space", false);
    boolean composes = type == TokenizerClass.QWEN2 || type == TokenizerClass.GPT_NEOX;
    return TokenizerJson.write(
        added,
        composes ? type("NFC") : null,
        preTokenizer(type, prefix),
        postProcessor(type, settings, added, prefix),
        byteLevel(prefix, true),
        model);
  }

  private static CheckpointFormatException unknown(Path vocabFile, Path folder) {
    String name = TokenizerClass.name(folder);
    return new CheckpointFormatException(
        vocabFile
            + " does not say how text is prepared, and that of the tokenizer_class \""
            + name
            + "\" in tokenizer_config.json is not known here: known are "
            + TokenizerClass.names(List.copyOf(KNOWN))
            + "; for others write tokenizer.json in Python with"
            + " AutoTokenizer.from_pretrained(folder).save_pretrained(folder)");
  }

  private static ObjectNode preTokenizer(TokenizerClass type, boolean prefix) {
    if (type != TokenizerClass.QWEN2) {
      return byteLevel(prefix, true);
    }
    return sequence(
        "pretokenizers",
        List.of(TokenizerJson.split("Regex", QWEN_WORDS, "Isolated"), byteLevel(prefix, false)));
  }

  private static @Nullable ObjectNode postProcessor(
      TokenizerClass type, TokenizerSettings settings, AddedTokens added, boolean prefix) {
    Map<String, String> special = SpecialTokens.texts(settings.folder());
    if (type == TokenizerClass.ROBERTA) {
      return TokenizerJson.frame(added, special.get("cls_token"), special.get("sep_token"));
    }
    return TokenizerJson.frame(
        added,
        settings.flag("add_bos_token", false) ? special.get("bos_token") : null,
        settings.flag("add_eos_token", false) ? special.get("eos_token") : null);
  }
}
