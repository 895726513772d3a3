package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokenizers of folders without a tokenizer.json. */
class OldTokenizerFilesTest {

  @TempDir Path temp;

  private static Path model(String name) {
    try {
      return Path.of(
          Tokenizers.class.getResource("/tokenizers/" + name + "/tokenizer.model").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private Path sentencePiece(String name, String config) throws IOException {
    Files.copy(model(name), temp.resolve("tokenizer.model"));
    Files.writeString(temp.resolve("tokenizer_config.json"), config);
    return temp;
  }

  private Path bytelevel(String type) throws IOException {
    OldFiles.write(Tokenizers.tiny("bytelevel").resolve("tokenizer.json"), temp, type);
    return temp;
  }

  private void config(String json) throws IOException {
    Files.writeString(temp.resolve("tokenizer_config.json"), json);
  }

  @ParameterizedTest
  @ValueSource(strings = {"spm-bpe", "spm-unigram"})
  void givesSentencePiecesIds(String name) throws IOException {
    JsonNode expected;
    try (InputStream in = Tokenizers.class.getResourceAsStream("/tokenizers/spm.json")) {
      expected = new ObjectMapper().readTree(in).get(name);
    }
    assertThat(expected).hasSizeGreaterThan(10);
    try (var tokenizer = PretrainedTokenizer.load(sentencePiece(name, "{}"))) {
      expected
          .properties()
          .forEach(
              each -> {
                int[] ids = new ObjectMapper().convertValue(each.getValue(), int[].class);
                assertThat(tokenizer.encode(each.getKey(), false)).as(each.getKey()).isEqualTo(ids);
              });
    }
  }

  @Test
  void framesAsTheSettingsSay() throws IOException {
    try (var tokenizer = PretrainedTokenizer.load(sentencePiece("spm-bpe", "{}"))) {
      assertThat(tokenizer.encode("they made it", true)).containsExactly(1, 315, 327, 316);
      assertThat(tokenizer.decode(new int[] {1, 315, 327, 316}, true)).isEqualTo("they made it");
      assertThat(tokenizer.vocabSize()).isEqualTo(420);
    }
    config("{\"add_bos_token\": false, \"add_eos_token\": true, \"eos_token\": \"</s>\"}");
    try (var tokenizer = PretrainedTokenizer.load(temp)) {
      assertThat(tokenizer.encode("they made it", true)).containsExactly(315, 327, 316, 2);
      assertThat(tokenizer.eosTokenId()).hasValue(2);
    }
  }

  @Test
  void putsASpaceBeforeAllOfATextOrItsBeginningOrNowhere() throws IOException {
    String text = "it</s>it";
    try (var tokenizer = PretrainedTokenizer.load(sentencePiece("spm-bpe", "{}"))) {
      assertThat(tokenizer.encode(text, false)).containsExactly(316, 2, 316);
    }
    config("{\"tokenizer_class\": \"LlamaTokenizer\", \"legacy\": false}");
    int[] bare;
    try (var tokenizer = PretrainedTokenizer.load(temp)) {
      int[] ids = tokenizer.encode(text, false);
      assertThat(ids).startsWith(316, 2).hasSizeGreaterThan(3);
      bare = Arrays.copyOfRange(ids, 2, ids.length);
    }
    config("{\"tokenizer_class\": \"LlamaTokenizerFast\", \"add_prefix_space\": false}");
    try (var tokenizer = PretrainedTokenizer.load(temp)) {
      assertThat(tokenizer.encode("it", false)).isEqualTo(bare);
      assertThat(tokenizer.decode(bare, false)).isEqualTo("it");
    }
  }

  @Test
  void addsTheTokensThatAnyFileNames() throws IOException {
    sentencePiece(
        "spm-bpe",
        "{\"added_tokens_decoder\": {\"420\": {\"content\": \"<|a|>\", \"lstrip\": true,"
            + " \"rstrip\": true, \"normalized\": false, \"special\": true}},"
            + " \"pad_token\": {\"content\": \"<pad>\"}}");
    Files.writeString(
        temp.resolve("special_tokens_map.json"),
        "{\"additional_special_tokens\": [\"<|b|>\", {\"content\": \"<|c|>\"}]}");
    try (var tokenizer = PretrainedTokenizer.load(temp)) {
      assertThat(tokenizer.tokenId("<|a|>")).hasValue(420);
      assertThat(tokenizer.padTokenId()).hasValue(421);
      assertThat(tokenizer.tokenId("<|b|>")).hasValue(422);
      assertThat(tokenizer.tokenId("<|c|>")).hasValue(423);
      assertThat(tokenizer.encode("they <|a|> made<|c|>", false))
          .containsExactly(315, 420, 327, 423);
    }
  }

  @Test
  void addsTheTokensOfOlderRepositories() throws IOException {
    bytelevel("GPT2Tokenizer");
    config("{\"tokenizer_class\": \"GPT2Tokenizer\", \"eos_token\": \"<|endoftext|>\"}");
    int size = new ObjectMapper().readTree(temp.resolve("vocab.json").toFile()).size();
    Files.writeString(
        temp.resolve("added_tokens.json"),
        "{\"<|two|>\": " + (size + 1) + ", \"<|one|>\": " + size + "}");
    try (var tokenizer = PretrainedTokenizer.load(temp)) {
      assertThat(tokenizer.tokenId("<|one|>")).hasValue(size);
      assertThat(tokenizer.tokenId("<|two|>")).hasValue(size + 1);
      assertThat(tokenizer.encode("it<|two|>", false)).endsWith(size + 1);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"GPT2Tokenizer", "GPT2TokenizerFast", "CodeGenTokenizer", "GPTNeoXTokenizer"})
  void readsVocabularyAndMerges(String type) throws IOException {
    List<String> texts =
        List.of("", " it", "they  made\n\nit 123", "Größe 日本 👍🏽", "<|endoftext|>x");
    try (var old = PretrainedTokenizer.load(bytelevel(type));
        var ready = PretrainedTokenizer.load(Tokenizers.tiny("bytelevel"))) {
      for (String text : texts) {
        int[] ids = old.encode(text, true);
        assertThat(ids).as(text).isEqualTo(ready.encode(text, true));
        assertThat(old.decode(ids, false)).isEqualTo(text);
      }
      assertThat(old.eosTokenId()).isEqualTo(ready.eosTokenId());
    }
  }

  @Test
  void takesTheKindOfModelWhereNoClassIsNamed() throws IOException {
    bytelevel("x");
    config("{\"add_bos_token\": true, \"bos_token\": \"<|endoftext|>\"}");
    Files.writeString(temp.resolve("config.json"), "{\"model_type\": \"opt\"}");
    try (var tokenizer = PretrainedTokenizer.load(temp)) {
      assertThat(tokenizer.encode("it", true))
          .startsWith(tokenizer.tokenId("<|endoftext|>").getAsInt())
          .endsWith(tokenizer.encode("it", false));
    }
  }

  @Test
  void cutsWordsAsQwenDoes() throws IOException {
    try (var qwen = PretrainedTokenizer.load(bytelevel("Qwen2Tokenizer"))) {
      // Each digit is a word, and letters are composed first.
      assertThat(qwen.encode("e\u0301", false)).isEqualTo(qwen.encode("\u00e9", false));
      assertThat(qwen.decode(qwen.encode("a 12\n\n b", false), false)).isEqualTo("a 12\n\n b");
      assertThat(qwen.bosTokenId()).isEmpty();
    }
  }

  @Test
  void saysWhichClassesAreKnown() throws IOException {
    bytelevel("WeirdTokenizer");
    assertThatThrownBy(() -> PretrainedTokenizer.load(temp))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("\"WeirdTokenizer\"")
        .hasMessageContaining("GPT2Tokenizer")
        .hasMessageContaining("Qwen2Tokenizer")
        .hasMessageContaining("save_pretrained");
  }

  @Test
  void namesDamagedFiles() throws IOException {
    bytelevel("GPT2Tokenizer");
    String merges = Files.readString(temp.resolve("merges.txt"));
    Files.writeString(temp.resolve("merges.txt"), merges + "a b c\n");
    assertThatThrownBy(() -> PretrainedTokenizer.load(temp))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("merges.txt, line")
        .hasMessageContaining("expected two tokens, found \"a b c\"");
    Files.writeString(temp.resolve("merges.txt"), "notthere neither\n");
    assertThatThrownBy(() -> PretrainedTokenizer.load(temp))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("vocab.json does not describe a tokenizer");
    Files.writeString(temp.resolve("vocab.json"), "{\"a\": \"b\"}");
    assertThatThrownBy(() -> PretrainedTokenizer.load(temp))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("expected an id for \"a\"");
  }

  @Test
  void namesWhatIsNoSentencePieceModel() throws IOException {
    Files.writeString(temp.resolve("tokenizer.model"), "IQ== 0\nIg== 1\n");
    assertThatThrownBy(() -> PretrainedTokenizer.load(temp))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("tiktoken");
    Files.write(temp.resolve("tokenizer.model"), new byte[0]);
    assertThatThrownBy(() -> PretrainedTokenizer.load(temp))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("no pieces");
  }

  @Test
  void refusesALengthBeyondTheFile() throws IOException {
    // A piece (field 1) of two thousand million bytes.
    Files.write(
        temp.resolve("tokenizer.model"),
        new byte[] {0x0a, (byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff, 0x07, 1});
    assertThatThrownBy(() -> PretrainedTokenizer.load(temp))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("expected 2147483647 more bytes, found 1");
  }

  @Property(tries = 300, seed = "23")
  void survivesAnyCutOrChangedByte(
      @ForAll @IntRange(max = 6500) int position,
      @ForAll byte value,
      @ForAll boolean cut,
      @ForAll boolean unigram)
      throws IOException {
    Path folder = Files.createTempDirectory("tokenizer");
    Path file = folder.resolve("tokenizer.model");
    byte[] bytes = Files.readAllBytes(model(unigram ? "spm-unigram" : "spm-bpe"));
    int at = position % bytes.length;
    bytes[at] = value;
    Files.write(file, cut ? Arrays.copyOf(bytes, at) : bytes);
    try (var tokenizer = PretrainedTokenizer.load(folder)) {
      assertThat(tokenizer.encode("they made it", true)).isNotNull();
    } catch (CheckpointFormatException e) {
      assertThat(e).hasMessageContaining(file.toString());
    } finally {
      Files.delete(file);
      Files.delete(folder);
    }
  }
}
