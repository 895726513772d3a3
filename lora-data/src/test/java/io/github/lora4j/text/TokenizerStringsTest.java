package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Thousands of strings in many scripts, from {@code tokenizer.json} and from the older files,
 * beside Python's ids: see make_tokenizer_strings.py.
 */
class TokenizerStringsTest {

  @TempDir Path temp;

  private static JsonNode expected() throws IOException {
    try (InputStream in = Tokenizers.class.getResourceAsStream("/tokenizers/strings.json")) {
      return new ObjectMapper().readTree(in);
    }
  }

  private static List<String> texts(JsonNode expected) {
    return TextRecipe.texts(expected, expected.get("count").asInt());
  }

  @Test
  void theStringsAreThoseOfTheScript() throws IOException {
    JsonNode expected = expected();
    List<String> texts = texts(expected);
    assertThat(texts).hasSize(4000);
    assertThat(texts.stream().mapToInt(TextRecipe::hash).toArray())
        .isEqualTo(TextRecipe.unpack(expected.get("texts")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama2", "qwen2"})
  void givesPythonsIdsAndTextFromTokenizerJson(String name) throws IOException {
    check(name, Tokenizers.real("tokenizers/" + name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama2", "qwen2"})
  void givesTheSameFromTheOlderFiles(String name) throws IOException {
    Path real = Tokenizers.real("tokenizers/" + name);
    if (name.equals("llama2")) {
      Files.copy(real.resolve("tokenizer.model"), temp.resolve("tokenizer.model"));
      Files.copy(real.resolve("tokenizer_config.json"), temp.resolve("tokenizer_config.json"));
    } else {
      String type = name.equals("gpt2") ? "GPT2Tokenizer" : "Qwen2TokenizerFast";
      OldFiles.write(real.resolve("tokenizer.json"), temp, type);
    }
    check(name, temp);
  }

  private static void check(String name, Path folder) throws IOException {
    JsonNode expected = expected();
    List<String> texts = texts(expected);
    int[] idHashes = TextRecipe.unpack(expected.get(name).get("ids"));
    int[] decodedHashes = TextRecipe.unpack(expected.get(name).get("decoded"));
    try (PretrainedTokenizer tokenizer = PretrainedTokenizer.load(folder)) {
      List<int[]> encoded = tokenizer.encodeBatch(texts, true);
      for (int i = 0; i < texts.size(); i++) {
        assertThat(TextRecipe.hash(encoded.get(i))).as(texts.get(i)).isEqualTo(idHashes[i]);
        assertThat(TextRecipe.hash(tokenizer.decode(encoded.get(i), false)))
            .as("decoded: %s", texts.get(i))
            .isEqualTo(decodedHashes[i]);
      }
    }
  }
}
