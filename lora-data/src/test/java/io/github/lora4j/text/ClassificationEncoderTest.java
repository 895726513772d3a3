package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.data.LabelMap;
import io.github.lora4j.data.SequenceLabels;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.error.DatasetException;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ClassificationEncoderTest {

  private static final PromptTemplate TEXT = PromptTemplate.of("{text}");
  private static final LabelMap LABELS = LabelMap.of("bad", "so-so", "good");

  private PretrainedTokenizer tokenizer;

  @BeforeEach
  void load() {
    tokenizer = PretrainedTokenizer.load(Tokenizers.tiny("sentencepiece"));
  }

  @AfterEach
  void close() {
    tokenizer.close();
  }

  private static Row row(String text, String label) {
    return Row.of("train.csv", 7, Map.of("text", text, "label", label));
  }

  private ClassificationEncoder encoder() {
    return ClassificationEncoder.of(tokenizer, TEXT, "label", LABELS);
  }

  @Test
  void anExampleIsTheTextAndItsClass() {
    TokenizedExample example = encoder().apply(row("a fine film", " good "));
    assertThat(example.inputIds()).containsExactly(tokenizer.encode("a fine film", true));
    assertThat(example.sequenceLabels()).contains(SequenceLabels.ofClass(2));
    assertThat(example.supervisedItems()).isEqualTo(1);
    assertThat(example.labels()).containsOnly(TokenizedExample.IGNORE_INDEX);
  }

  @Test
  void severalClassesBecomeZerosAndOnes() {
    ClassificationEncoder encoder =
        ClassificationEncoder.multiLabel(tokenizer, TEXT, "label", "|", LABELS);
    assertThat(encoder.apply(row("x", "good | bad")).sequenceLabels())
        .contains(SequenceLabels.ofValues(1, 0, 1));
    assertThat(encoder.apply(row("x", "")).sequenceLabels())
        .contains(SequenceLabels.ofValues(0, 0, 0));
    assertThatExceptionOfType(DatasetException.class)
        .isThrownBy(() -> encoder.apply(row("x", "good|great")))
        .withMessageContaining("no class is called \"great\"");
  }

  @Test
  void numbersAreRead() {
    ClassificationEncoder encoder = ClassificationEncoder.regression(tokenizer, TEXT, "label");
    assertThat(encoder.apply(row("x", " -1.5 ")).sequenceLabels())
        .contains(SequenceLabels.ofValues(-1.5f));
    for (String wrong : new String[] {"", "many", "NaN", "1e99"}) {
      assertThatExceptionOfType(DatasetException.class)
          .isThrownBy(() -> encoder.apply(row("x", wrong)))
          .withMessage(
              "train.csv, line 7, column \"label\": expected a finite number such as 0.5, found \""
                  + wrong
                  + "\"");
    }
  }

  @Test
  void aLongTextLosesItsEnd() {
    ClassificationEncoder encoder = encoder().maxLength(4);
    int[] all = tokenizer.encode("a fine film and more", true);
    assertThat(all).hasSizeGreaterThan(4);
    assertThat(encoder.encodeText(row("a fine film and more", "none")))
        .containsExactly(Arrays.copyOf(all, 4));
    assertThat(encoder.truncatedRows()).isEqualTo(1);
    assertThat(encoder.maxLength(99).truncatedRows()).isZero();
  }

  @Test
  void specialTokensBehindALongTextStay() {
    try (var closing = new ClosingTokenizer()) {
      ClassificationEncoder encoder =
          ClassificationEncoder.of(closing, TEXT, "label", LABELS).maxLength(4);
      assertThat(encoder.encodeText(row("abcdef", "bad"))).containsExactly(1, 'a', 'b', 2);
      assertThat(encoder.maxLength(1).encodeText(row("abcdef", "bad"))).containsExactly(2);
    }
  }

  @Test
  void rowsThatCannotBeUsedAreNamed() {
    assertThatExceptionOfType(DatasetException.class)
        .isThrownBy(() -> encoder().apply(row("x", "goood")))
        .withMessageStartingWith("train.csv, line 7, column \"label\": no class is called")
        .withMessageContaining("did you mean good");
    assertThatExceptionOfType(DatasetException.class)
        .isThrownBy(() -> encoder().apply(row("  ", "good")))
        .withMessageContaining("train.csv, line 7: expected a text to classify");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                ClassificationEncoder.of(
                    tokenizer, PromptTemplate.of("{text} {label}"), "label", LABELS))
        .withMessageContaining("only learn to read it");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ClassificationEncoder.regression(tokenizer, TEXT))
        .withMessageContaining("numberColumns");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> encoder().maxLength(0))
        .withMessageContaining("maxLength");
  }

  /** Characters as tokens, 1 in front of a text and 2 behind it. */
  private static final class ClosingTokenizer implements Tokenizer {

    @Override
    public int[] encode(String text, boolean addSpecialTokens) {
      return addSpecialTokens
          ? IntStream.concat(IntStream.concat(IntStream.of(1), text.chars()), IntStream.of(2))
              .toArray()
          : text.chars().toArray();
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
      return Arrays.stream(ids)
          .filter(id -> !skipSpecialTokens || id > 2)
          .mapToObj(Character::toString)
          .collect(Collectors.joining());
    }

    @Override
    public int vocabSize() {
      return 128;
    }

    @Override
    public OptionalInt tokenId(String token) {
      return token.length() == 1 ? OptionalInt.of(token.charAt(0)) : OptionalInt.empty();
    }

    @Override
    public OptionalInt bosTokenId() {
      return OptionalInt.of(1);
    }

    @Override
    public OptionalInt eosTokenId() {
      return OptionalInt.of(2);
    }

    @Override
    public OptionalInt padTokenId() {
      return OptionalInt.of(0);
    }

    @Override
    public void close() {}
  }
}
