package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.dataset.Row;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * For any prompt and completion and each way of tokenizing: an example begins with the very ids
 * that generation starts from, and decodes to prompt and completion, no space more or less.
 */
class BoundaryPropertyTest {

  private static final int PAIRS = 1500;

  /** Pieces that tokenizers like to merge, to split, to normalise or to put a space before. */
  private static final List<String> PIECES =
      List.of(
          " ",
          "  ",
          "\n",
          "\n\n",
          "\t",
          "\r\n",
          "a",
          "the",
          " the",
          "The",
          "ing",
          "Paris",
          " Paris",
          "1",
          "23",
          "4567",
          ".",
          ",",
          ":",
          ": ",
          "?",
          "!",
          "'s",
          "\"",
          "###",
          "{",
          "}",
          "-",
          "_",
          "é",
          "e\u0301",
          "\u0301",
          "ß",
          "ж",
          "слово",
          "λόγος",
          "שלום",
          "مرحبا",
          "日本",
          "語",
          "한국",
          "ไทย",
          "😀",
          "👍🏽",
          "\u200d",
          "\u00a0",
          "Answer",
          "### Answer:\n",
          "://",
          "0.5",
          "x=y");

  @TempDir Path temp;

  static Stream<String> tokenizers() {
    return Stream.concat(Tokenizers.TINY.stream(), Tokenizers.REAL.stream());
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void continuesThePromptsIdsToExactlyTheCompletion(String name) {
    Path folder = Tokenizers.folder(name);
    if (name.endsWith("gpt2")) {
      // Its folder is a tokenizer.json alone.
      folder = Tokenizers.copy(folder, temp.resolve("m"), "{\"eos_token\": \"<|endoftext|>\"}");
    }
    try (var tokenizer = PretrainedTokenizer.load(folder)) {
      SftEncoder encoder = SftEncoder.of(tokenizer, PromptTemplate.of("{p}"), "c");
      Random random = new Random(29);
      int rejoined = 0;
      for (int i = 0; i < PAIRS; i++) {
        String text = text(random);
        int cut = text.offsetByCodePoints(0, random.nextInt(text.codePointCount(0, text.length())));
        String prompt = text.substring(0, cut);
        String completion = text.substring(cut);
        if (!completion.isBlank()) {
          rejoined += check(tokenizer, encoder, prompt, completion);
        }
      }
      assertThat(rejoined).as("pairs that merge across the boundary").isBetween(20, PAIRS - 500);
    }
  }

  private static String text(Random random) {
    StringBuilder text = new StringBuilder();
    for (int pieces = 1 + random.nextInt(8); pieces > 0; pieces--) {
      text.append(PIECES.get(random.nextInt(PIECES.size())));
    }
    return text.toString();
  }

  /** Returns 1 if the text encoded as a whole would have changed the prompt's ids, else 0. */
  private static int check(
      PretrainedTokenizer tokenizer, SftEncoder encoder, String prompt, String completion) {
    String what = "\"" + prompt + "\" + \"" + completion + "\"";
    TokenizedExample example = encoder.apply(Row.of(Map.of("p", prompt, "c", completion)));
    int[] promptIds = tokenizer.encode(prompt, true);
    int end = promptIds.length;
    assertThat(Arrays.copyOf(example.inputIds(), end)).as(what).isEqualTo(promptIds);
    assertThat(Arrays.copyOf(example.labels(), end)).as(what).isEqualTo(ignored(end));
    assertThat(Arrays.copyOfRange(example.labels(), end, example.length()))
        .as(what)
        .isEqualTo(Arrays.copyOfRange(example.inputIds(), end, example.length()));
    assertThat(nfc(tokenizer.decode(example.inputIds(), true)))
        .as(what)
        .isEqualTo(nfc(prompt + completion));
    int[] joint = tokenizer.encode(prompt + completion, true);
    return joint.length >= end && Arrays.equals(joint, 0, end, promptIds, 0, end) ? 0 : 1;
  }

  private static int[] ignored(int length) {
    int[] labels = new int[length];
    Arrays.fill(labels, TokenizedExample.IGNORE_INDEX);
    return labels;
  }

  private static String nfc(String text) {
    return Normalizer.normalize(text, Normalizer.Form.NFC);
  }
}
