package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PretrainedTokenizerTest {

  @TempDir Path temp;

  @Test
  void addsSpecialTokensOnlyWhenAsked() {
    try (var tokenizer = PretrainedTokenizer.load(Tokenizers.tiny("sentencepiece"))) {
      int[] plain = tokenizer.encode("they made it", false);
      int[] framed = tokenizer.encode("they made it", true);
      assertThat(framed).hasSize(plain.length + 1).startsWith(1).endsWith(plain);
      assertThat(tokenizer.decode(framed, true)).isEqualTo("they made it");
      assertThat(tokenizer.decode(framed, false)).isEqualTo("<s> they made it");
    }
  }

  @Test
  void encodesABatchAsOneByOne() {
    try (var tokenizer = PretrainedTokenizer.load(Tokenizers.tiny("bytelevel"))) {
      List<String> texts = IntStream.range(0, 50).mapToObj(i -> "water number " + i).toList();
      List<int[]> batch = tokenizer.encodeBatch(texts, true);
      assertThat(batch).hasSize(50);
      for (int i = 0; i < 50; i++) {
        assertThat(batch.get(i)).isEqualTo(tokenizer.encode(texts.get(i), true));
      }
      assertThat(tokenizer.encodeBatch(List.of(), true)).isEmpty();
    }
  }

  @Test
  void readsRolesWrittenAsTextOrAsObject() {
    try (var tokenizer = PretrainedTokenizer.load(Tokenizers.tiny("sentencepiece"))) {
      assertThat(tokenizer.bosTokenId()).hasValue(1);
      assertThat(tokenizer.eosTokenId()).hasValue(2);
      assertThat(tokenizer.unkTokenId()).hasValue(0);
      assertThat(tokenizer.tokenId("</s>")).hasValue(2);
      assertThat(tokenizer.tokenId("no such token")).isEmpty();
      // 3 special tokens, 256 bytes, 100 pieces.
      assertThat(tokenizer.vocabSize()).isEqualTo(359);
      assertThat(tokenizer.tokenId("▁will")).hasValue(358);
    }
  }

  @Test
  void padsWithTheEndOfSequenceWhereThereIsNoPadding() {
    try (var tokenizer = PretrainedTokenizer.load(Tokenizers.tiny("sentencepiece"))) {
      assertThat(tokenizer.padTokenId()).hasValue(2);
      var examples =
          List.of(
              new TokenizedExample(new int[] {5}, new int[] {5}),
              new TokenizedExample(new int[] {6, 7}, new int[] {6, 7}));
      assertThat(PaddingCollator.of(tokenizer).collate(examples).inputIds())
          .containsExactly(5, 2, 6, 7);
    }
  }

  @Test
  void takesARoleFromTheFirstFileThatHasIt() throws IOException {
    Path folder =
        Tokenizers.copy(
            Tokenizers.tiny("sentencepiece"), temp.resolve("m"), "{\"bos_token\": null}");
    Files.writeString(
        folder.resolve("special_tokens_map.json"),
        "{\"bos_token\": \"<s>\", \"pad_token\": {\"content\": \"<unk>\"}}");
    Files.writeString(
        folder.resolve("config.json"), "{\"eos_token_id\": [2, 1], \"unk_token_id\": 999999}");
    try (var tokenizer = PretrainedTokenizer.load(folder)) {
      assertThat(tokenizer.bosTokenId()).isEmpty();
      assertThat(tokenizer.padTokenId()).hasValue(0);
      assertThat(tokenizer.eosTokenId()).hasValue(2);
      assertThat(tokenizer.unkTokenId()).isEmpty();
    }
  }

  @Test
  void goesWithoutARoleWhoseTokenIsNotInTheVocabulary() {
    Path folder =
        Tokenizers.copy(
            Tokenizers.tiny("sentencepiece"), temp.resolve("m"), "{\"eos_token\": \"<stop>\"}");
    try (var tokenizer = PretrainedTokenizer.load(folder)) {
      assertThat(tokenizer.eosTokenId()).isEmpty();
      assertThat(tokenizer.padTokenId()).isEqualTo(OptionalInt.empty());
    }
  }

  @Test
  void neitherTruncatesNorPadsWhateverTheFileSays() throws IOException {
    Path folder = Tokenizers.copy(Tokenizers.tiny("bytelevel"), temp.resolve("m"), "{}");
    Path file = folder.resolve("tokenizer.json");
    String json =
        Files.readString(file)
            .replace(
                "\"truncation\":null",
                "\"truncation\":{\"direction\":\"Right\",\"max_length\":3,"
                    + "\"strategy\":\"LongestFirst\",\"stride\":0}")
            .replace(
                "\"padding\":null",
                "\"padding\":{\"strategy\":{\"Fixed\":64},\"direction\":\"Right\","
                    + "\"pad_to_multiple_of\":null,\"pad_id\":0,\"pad_type_id\":0,\"pad_token\":\"x\"}");
    assertThat(json).contains("\"max_length\":3").contains("\"Fixed\":64");
    Files.writeString(file, json);
    try (var tokenizer = PretrainedTokenizer.load(folder);
        var plain = PretrainedTokenizer.load(Tokenizers.tiny("bytelevel"))) {
      String text = "what were you when there was no water";
      assertThat(tokenizer.encode(text, true))
          .isEqualTo(plain.encode(text, true))
          .hasSizeGreaterThan(3);
      assertThat(tokenizer.encodeBatch(List.of("a", text), true).get(0)).hasSize(1);
    }
  }

  @Test
  void leavesOutIdsBeyondTheVocabularyAndRefusesNegativeOnes() {
    try (var tokenizer = PretrainedTokenizer.load(Tokenizers.tiny("bytelevel"))) {
      int[] ids = tokenizer.encode("it", false);
      int[] more = {ids[0], 1_000_000, Integer.MAX_VALUE};
      assertThat(tokenizer.decode(more, true))
          .isEqualTo(tokenizer.decode(new int[] {ids[0]}, true));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> tokenizer.decode(new int[] {3, -1}, true))
          .withMessage("ids[1] is negative: -1");
    }
  }

  /** As transformers does: {@code added_tokens_decoder}, then roles, then other special tokens. */
  @Test
  void tokensThatOnlyTheSettingsNameGetTheNextIds() throws IOException {
    Path folder =
        Tokenizers.copy(
            Tokenizers.tiny("bytelevel"),
            temp,
            """
            {"pad_token": "[PAD]", "additional_special_tokens": ["<tool>"],
             "added_tokens_decoder": {"9001": {"content": "<two>", "special": false},
                                      "9000": {"content": "<one>", "special": true}}}
            """);
    int next;
    int[] a;
    try (var before = PretrainedTokenizer.load(Tokenizers.tiny("bytelevel"))) {
      next = before.vocabSize();
      a = before.encode("a", false);
    }
    Files.writeString(folder.resolve("config.json"), "{\"vocab_size\": " + (next + 4) + "}");
    try (var tokenizer = PretrainedTokenizer.load(folder)) {
      assertThat(tokenizer.vocabSize()).isEqualTo(next + 4);
      assertThat(tokenizer.padTokenId()).hasValue(next + 2);
      assertThat(tokenizer.encode("<two>a<one><tool>", false))
          .containsExactly(next + 1, a[0], next, next + 3);
      assertThat(tokenizer.decode(new int[] {next + 1, a[0], next, next + 3}, true))
          .isEqualTo("<two>a");
    }
    Files.writeString(folder.resolve("config.json"), "{\"vocab_size\": " + (next + 2) + "}");
    try (var small = PretrainedTokenizer.load(folder)) {
      assertThat(small.vocabSize()).as("tokens without an embedding").isEqualTo(next + 2);
      assertThat(small.tokenId("[PAD]")).isEmpty();
    }
  }

  @Test
  void closesTwiceAndRefusesEverythingAfterwards() {
    var tokenizer = PretrainedTokenizer.load(Tokenizers.tiny("bytelevel"));
    tokenizer.close();
    tokenizer.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> tokenizer.encode("a", true))
        .withMessageContaining("closed");
    assertThatIllegalStateException().isThrownBy(() -> tokenizer.encodeBatch(List.of("a"), true));
    assertThatIllegalStateException().isThrownBy(() -> tokenizer.decode(new int[] {1}, true));
    assertThatIllegalStateException().isThrownBy(tokenizer::vocabSize);
    assertThatIllegalStateException().isThrownBy(() -> tokenizer.tokenId("a"));
    assertThatIllegalStateException().isThrownBy(tokenizer::eosTokenId);
  }

  @Test
  void servesSeveralThreadsAndWaitsForThemWhenClosed() {
    var tokenizer = PretrainedTokenizer.load(Tokenizers.tiny("bytelevel"));
    int[] expected = tokenizer.encode("some of the people", true);
    long closedOnes =
        IntStream.range(0, 4000)
            .parallel()
            .filter(
                i -> {
                  if (i == 3500) {
                    tokenizer.close();
                  }
                  try {
                    assertThat(tokenizer.encode("some of the people", true)).isEqualTo(expected);
                    return false;
                  } catch (IllegalStateException e) {
                    return true;
                  }
                })
            .count();
    assertThat(closedOnes).isPositive();
  }

  @Test
  void saysWhichFileIsMissing() throws IOException {
    assertThatThrownBy(() -> PretrainedTokenizer.load(temp.resolve("nowhere")))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("nowhere does not exist");
    Files.writeString(temp.resolve("vocab.json"), "x");
    assertThatThrownBy(() -> PretrainedTokenizer.load(temp))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("tokenizer.json is missing")
        .hasMessageContaining("found vocab.json, which is not enough")
        .hasMessageContaining("save_pretrained");
    assertThatThrownBy(() -> PretrainedTokenizer.load(temp.resolve("vocab.json")))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("is not a folder");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tokenizer_config.json", "special_tokens_map.json", "config.json"})
  void namesADamagedSettingsFile(String name) throws IOException {
    Path folder = Tokenizers.copy(Tokenizers.tiny("bytelevel"), temp.resolve("m"), "{}");
    Files.writeString(folder.resolve(name), "{\"eos_token\": ");
    assertThatThrownBy(() -> PretrainedTokenizer.load(folder))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(folder.resolve(name) + " is not valid JSON");
    Files.writeString(folder.resolve(name), "[1]");
    assertThatThrownBy(() -> PretrainedTokenizer.load(folder))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("expected a JSON object");
    Files.write(folder.resolve(name), new byte[] {'{', (byte) 0xff, '}'});
    assertThatThrownBy(() -> PretrainedTokenizer.load(folder))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("is not UTF-8");
  }
}
