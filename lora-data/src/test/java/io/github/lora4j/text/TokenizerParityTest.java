package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares with what Python gives for the same tokenizers: see make_tokenizer_fixtures.py. */
class TokenizerParityTest {

  static Stream<String> real() {
    return Tokenizers.REAL.stream();
  }

  private static JsonNode expected() throws IOException {
    try (InputStream in = Tokenizers.class.getResourceAsStream("/tokenizers/expected.json")) {
      return new ObjectMapper().readTree(in);
    }
  }

  @ParameterizedTest
  @MethodSource("real")
  void givesPythonsIdsAndText(String name) throws IOException {
    JsonNode expected = expected();
    List<String> texts = new ArrayList<>();
    expected.get("texts").forEach(text -> texts.add(text.asText()));
    assertThat(texts).hasSizeGreaterThan(200);
    try (PretrainedTokenizer tokenizer = PretrainedTokenizer.load(Tokenizers.real(name))) {
      List<int[]> batch = tokenizer.encodeBatch(texts, true);
      for (int i = 0; i < texts.size(); i++) {
        int[] ids =
            new ObjectMapper()
                .convertValue(expected.at("/" + pointer(name) + "/ids/" + i), int[].class);
        assertThat(tokenizer.encode(texts.get(i), true)).as(texts.get(i)).isEqualTo(ids);
        assertThat(batch.get(i)).as(texts.get(i)).isEqualTo(ids);
        String decoded = expected.at("/" + pointer(name) + "/decoded/" + i).asText(texts.get(i));
        assertThat(tokenizer.decode(ids, true)).isEqualTo(decoded);
      }
    }
  }

  private static String pointer(String name) {
    return name.replace("/", "~1");
  }
}
