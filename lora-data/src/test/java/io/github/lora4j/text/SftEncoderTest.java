package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.error.DatasetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SftEncoderTest {

  private static final int NO = TokenizedExample.IGNORE_INDEX;
  private static final int BOS = 1;
  private static final int EOS = 2;
  private static final PromptTemplate TEMPLATE = PromptTemplate.of("Q: {question}\nA:");

  @TempDir Path temp;
  private PretrainedTokenizer tokenizer;
  private SftEncoder encoder;

  @BeforeEach
  void load() {
    tokenizer = PretrainedTokenizer.load(Tokenizers.tiny("sentencepiece"));
    encoder = SftEncoder.of(tokenizer, TEMPLATE, "answer");
  }

  @AfterEach
  void close() {
    tokenizer.close();
  }

  private static Row row(String question, String answer) {
    return Row.of("train.csv", 7, Map.of("question", question, "answer", answer));
  }

  private static int[] prompt(TokenizedExample example) {
    int length = 0;
    while (length < example.length() && example.labels()[length] == NO) {
      length++;
    }
    return Arrays.copyOf(example.inputIds(), length);
  }

  private static int[] completion(TokenizedExample example) {
    return Arrays.copyOfRange(example.inputIds(), prompt(example).length, example.length());
  }

  @Test
  void supervisesTheCompletionAndTheEndOfSequenceAlone() {
    Row row = row("who made it", " they made it");
    TokenizedExample example = encoder.apply(row);
    assertThat(prompt(example))
        .startsWith(BOS)
        .isEqualTo(tokenizer.encode("Q: who made it\nA:", true))
        .isEqualTo(encoder.encodePrompt(row));
    assertThat(completion(example)).endsWith(EOS);
    assertThat(tokenizer.decode(example.inputIds(), true))
        .isEqualTo("Q: who made it\nA: they made it");
    assertThat(Arrays.copyOfRange(example.labels(), prompt(example).length, example.length()))
        .isEqualTo(completion(example));
    assertThat(encoder.prompt(row)).isEqualTo("Q: who made it\nA:");
    assertThat(encoder.completion(row)).isEqualTo(" they made it");
  }

  @Test
  void putsNoSpaceBetweenPromptAndCompletion() {
    TokenizedExample example = encoder.apply(row("where", "water"));
    assertThat(tokenizer.decode(example.inputIds(), true)).isEqualTo("Q: where\nA:water");
    assertThat(tokenizer.decode(tokenizer.encode("water", false), false)).isEqualTo("water");
    assertThat(completion(example)).isNotEqualTo(tokenizer.encode("water", false));
  }

  @Test
  void keepsThePromptsIdsWhereTheWholeTextWouldMergeAcrossTheBoundary() {
    SftEncoder spaced = SftEncoder.of(tokenizer, PromptTemplate.of("{question}: "), "answer");
    Row row = row("who", "they made it");
    int[] promptIds = tokenizer.encode("who: ", true);
    int[] joint = tokenizer.encode("who: they made it", true);
    assertThat(Arrays.copyOf(joint, promptIds.length)).isNotEqualTo(promptIds);
    TokenizedExample example = spaced.apply(row);
    assertThat(prompt(example)).isEqualTo(promptIds);
    assertThat(tokenizer.decode(example.inputIds(), true)).isEqualTo("who: they made it");
  }

  @Test
  void doesNotDoubleAnEndOfSequenceThatIsWrittenOut() {
    assertThat(completion(encoder.apply(row("who", " they</s>"))))
        .containsOnlyOnce(EOS)
        .endsWith(EOS);
  }

  @Test
  void leavesOutOfThePromptWhatATokenizerAddsBehindATextByItself() throws Exception {
    Path folder =
        Tokenizers.copy(
            Tokenizers.tiny("sentencepiece"), temp.resolve("m"), "{\"eos_token\": \"</s>\"}");
    Path file = folder.resolve("tokenizer.json");
    String json = Files.readString(file);
    String both =
        json.replace(
                "\"single\":[{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}},"
                    + "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]",
                "\"single\":[{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}},"
                    + "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
                    + "{\"SpecialToken\":{\"id\":\"</s>\",\"type_id\":0}}]")
            .replace(
                "\"special_tokens\":{",
                "\"special_tokens\":{\"</s>\":{\"id\":\"</s>\",\"ids\":[2],\"tokens\":[\"</s>\"]},");
    Files.writeString(file, both);
    Row row = row("who", " they");
    try (var adding = PretrainedTokenizer.load(folder)) {
      assertThat(adding.encode("who", true)).startsWith(BOS).endsWith(EOS);
      SftEncoder encoderOfIt = SftEncoder.of(adding, TEMPLATE, "answer");
      assertThat(encoderOfIt.encodePrompt(row)).isEqualTo(encoder.encodePrompt(row));
      assertThat(encoderOfIt.apply(row)).isEqualTo(encoder.apply(row));
    }
  }

  @Test
  void cutsThePromptAndNeverTheEndOfSequenceByDefault() {
    Row row = row("what will they find when they look", " some water");
    TokenizedExample whole = encoder.apply(row);
    SftEncoder shorter = encoder.maxLength(whole.length() - 5);
    TokenizedExample cut = shorter.apply(row);
    assertThat(cut.length()).isEqualTo(whole.length() - 5);
    assertThat(completion(cut)).isEqualTo(completion(whole)).endsWith(EOS);
    int[] full = prompt(whole);
    assertThat(prompt(cut)[0]).isEqualTo(BOS);
    assertThat(Arrays.copyOfRange(prompt(cut), 1, prompt(cut).length))
        .isEqualTo(Arrays.copyOfRange(full, 6, full.length));
    assertThat(shorter.truncatedRows()).isEqualTo(1);
    assertThat(encoder.truncatedRows()).isZero();
    assertThat(shorter.maxLength(1000).apply(row)).isEqualTo(whole);
  }

  @Test
  void doesNotCutARowOfExactlyTheMaximum() {
    Row row = row("who", " they");
    TokenizedExample whole = encoder.apply(row);
    SftEncoder exact = encoder.maxLength(whole.length()).truncation(Truncation.ERROR);
    assertThat(exact.apply(row)).isEqualTo(whole);
    assertThat(exact.truncatedRows()).isZero();
  }

  @Test
  void refusesACompletionThatDoesNotFit() {
    assertThatThrownBy(() -> encoder.maxLength(4).apply(row("who", " they made the water")))
        .isInstanceOf(DatasetException.class)
        .hasMessageStartingWith("train.csv, line 7, column \"answer\": expected at most 4 tokens")
        .hasMessageContaining("in the completion");
  }

  @Test
  void cutsEitherEndOnRequest() {
    Row row = row("what will they find", " some water");
    TokenizedExample whole = encoder.apply(row);
    int max = whole.length() - 2;
    assertThat(encoder.maxLength(max).truncation(Truncation.KEEP_START).apply(row).inputIds())
        .isEqualTo(Arrays.copyOf(whole.inputIds(), max));
    TokenizedExample end = encoder.maxLength(max).truncation(Truncation.KEEP_END).apply(row);
    assertThat(end.inputIds()).isEqualTo(Arrays.copyOfRange(whole.inputIds(), 2, whole.length()));
    assertThat(end.labels()).isEqualTo(Arrays.copyOfRange(whole.labels(), 2, whole.length()));
    TokenizedExample two = encoder.maxLength(2).truncation(Truncation.KEEP_END).apply(row);
    assertThat(two.inputIds()).hasSize(2).endsWith(EOS);
    assertThat(two.labels()).isEqualTo(two.inputIds());
    assertThatThrownBy(() -> encoder.maxLength(3).truncation(Truncation.KEEP_START).apply(row))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("nothing of the completion would be left");
    assertThatThrownBy(() -> encoder.maxLength(max).truncation(Truncation.ERROR).apply(row))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("truncation is ERROR");
  }

  @Test
  void namesTheRowWithoutACompletion() {
    for (String nothing : List.of("", " ", "\n")) {
      assertThatThrownBy(() -> Dataset.of(List.of(row("who", nothing))).map(encoder))
          .isInstanceOf(DatasetException.class)
          .hasMessageStartingWith(
              "train.csv, line 7, column \"answer\": expected the text to learn, found none");
    }
  }

  @Test
  void namesAColumnThatIsMissing() {
    SftEncoder other = SftEncoder.of(tokenizer, TEMPLATE, "anwser");
    assertThatThrownBy(() -> other.apply(row("who", "they")))
        .isInstanceOf(DatasetException.class)
        .hasMessageStartingWith("train.csv, line 7, column \"anwser\": no such column")
        .hasMessageContaining("the file has \"answer\", \"question\"");
  }

  @Test
  void refusesAPromptThatShowsTheCompletion() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SftEncoder.of(tokenizer, TEMPLATE, "question"))
        .withMessageContaining("{question}, the completion");
  }

  @Test
  void refusesATokenizerWithoutAnEndOfSequence() {
    Path folder = Tokenizers.copy(Tokenizers.tiny("bytelevel"), temp.resolve("m"), "{}");
    try (var endless = PretrainedTokenizer.load(folder)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> SftEncoder.of(endless, TEMPLATE, "answer"))
          .withMessageContaining("\"eos_token\"")
          .withMessageContaining("tokenizer_config.json");
    }
  }

  @Test
  void refusesAMaximumWithoutRoom() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> encoder.maxLength(1))
        .withMessageContaining("at least 2");
  }
}
