package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A damaged or hostile tokenizer.json is an error that names it; it must not end the JVM. */
class HostileTokenizerTest {

  @TempDir Path temp;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[",
        "[]",
        "null",
        "{}",
        "{\"model\": 1}",
        "{\"model\": {\"vocab\": {\"a\": -1}}}",
        "{\"model\": {\"vocab\": {\"a\": 99999999999}}}",
        "{\"model\": {\"vocab\": [[1]]}}",
        "{\"added_tokens\": [{\"id\": \"x\"}]}",
        "{\"added_tokens\": [{\"content\": \"x\"}]}"
      })
  void namesTheFile(String json) throws IOException {
    Files.writeString(temp.resolve("tokenizer.json"), json);
    assertThatThrownBy(() -> PretrainedTokenizer.load(temp))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageStartingWith(temp.resolve("tokenizer.json") + " does not describe a tokenizer");
  }

  /** Each of these would abort the JVM in the native library. */
  @Test
  void refusesWhatTheNativeLibraryTakesOnTrust() throws IOException {
    assertThatThrownBy(
            () -> load("\"SpecialToken\":{\"id\":\"<s>\"", "\"SpecialToken\":{\"id\":\"<t>\""))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("uses the special token \"<t>\"");
    assertThatThrownBy(
            () -> load("\"single\":[", "\"single\":[{\"Sequence\":{\"id\":\"B\",\"type_id\":0}},"))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("the sequence B of a pair");
    assertThatThrownBy(() -> load("\"stop\":0", "\"stop\":4"))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("\"Strip\" with \"stop\" 4");
    assertThatThrownBy(
            () ->
                load("\"continuing_subword_prefix\":null", "\"continuing_subword_prefix\":\"##\""))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("merge 0 is [\"▁\",\"w\"]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tokenizer.json", "tokenizer.model"})
  void aPointerOfGitLfsIsSaidToBeOne(String name) throws IOException {
    Files.writeString(
        temp.resolve(name),
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 134\n");
    assertThatThrownBy(() -> PretrainedTokenizer.load(temp))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining(name + " is git-lfs's pointer")
        .hasMessageContaining("git lfs pull");
  }

  @Test
  void namesTheFileWhenATextCannotBeEncoded() throws IOException {
    try (var tokenizer =
        load(
            "\"byte_fallback\":true",
            "\"byte_fallback\":false",
            "\"unk_token\":\"<unk>\"",
            "\"unk_token\":\"<none>\"")) {
      assertThatThrownBy(() -> tokenizer.encode("日本", true))
          .isInstanceOf(CheckpointFormatException.class)
          .hasMessageContaining("tokenizer.json cannot encode a text: ");
    }
  }

  private PretrainedTokenizer load(String... replacements) throws IOException {
    String json = Files.readString(Tokenizers.tiny("sentencepiece").resolve("tokenizer.json"));
    for (int i = 0; i < replacements.length; i += 2) {
      assertThat(json).contains(replacements[i]);
      json = json.replace(replacements[i], replacements[i + 1]);
    }
    Files.writeString(temp.resolve("tokenizer.json"), json);
    return PretrainedTokenizer.load(temp);
  }

  @Property(tries = 300, seed = "17")
  void survivesAnyCutOrChangedByte(
      @ForAll @IntRange(max = 6000) int position, @ForAll byte value, @ForAll boolean cut)
      throws IOException {
    Path folder = Files.createTempDirectory("tokenizer");
    Path file = folder.resolve("tokenizer.json");
    byte[] bytes = Files.readAllBytes(Tokenizers.tiny("sentencepiece").resolve("tokenizer.json"));
    int at = position % bytes.length;
    bytes[at] = value;
    Files.write(file, cut ? Arrays.copyOf(bytes, at) : bytes);
    try (var tokenizer = PretrainedTokenizer.load(folder)) {
      assertThat(tokenizer.encode("they made it", true)).isNotEmpty();
    } catch (CheckpointFormatException e) {
      assertThat(e).hasMessageContaining(file.toString());
    } finally {
      Files.delete(file);
      Files.delete(folder);
    }
  }
}
