package io.github.lora4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class TextGeneratorTest {

  private static final String STORY = "Anna grüßt 😀 ihre Brüder. Dann geht sie.\n";

  private final NgramModel model =
      NgramModel.ofBytes(STORY, "Zwei Äpfel\nEND und mehr", "Zwei Birnen");
  private final TextGenerator generator = TextGenerator.of(model, new ByteTokenizer());
  private final GenerationConfig config = GenerationConfig.builder().maxNewTokens(100).build();

  @Test
  void continuesThePromptUntilTheTokenizersEndOfSequence() {
    assertThat(generator.generate("Anna", config)).isEqualTo(STORY.substring(4));
    GenerationResult result = generator.generateResults(List.of("Anna"), config).get(0);
    assertThat(result.finishReason()).isEqualTo(FinishReason.EOS);
    assertThat(result.promptTokens()).as("with the beginning of sequence").isEqualTo(5);
    assertThat(result.tokenIds()).endsWith(ByteTokenizer.EOS);
  }

  @Test
  void stopsAfterMaxNewTokens() {
    GenerationResult result =
        generator
            .generateResults(List.of("Anna"), config.toBuilder().maxNewTokens(4).build())
            .get(0);
    assertThat(result.text()).as("half of the ü is cut off").isEqualTo(" gr\uFFFD");
    assertThat(result.tokenIds()).hasSize(4);
    assertThat(result.finishReason()).isEqualTo(FinishReason.LENGTH);
  }

  @Test
  void streamsWholeCharactersAsTheyCome() {
    List<String> pieces = new ArrayList<>();
    GenerationResult result = generator.generate("Anna gr", config, pieces::add);
    assertThat(pieces.subList(0, 6)).containsExactly("ü", "ß", "t", " ", "😀", " ");
    assertThat(String.join("", pieces)).isEqualTo(result.text()).isEqualTo(STORY.substring(7));
  }

  @Test
  void cutsTheTextAtAStopStringAndStreamsNothingOfIt() {
    List<String> pieces = new ArrayList<>();
    GenerationResult result =
        generator.generate(
            "Zwei Ä", config.toBuilder().stopStrings("\nEND", "nie").build(), pieces::add);
    assertThat(result.text()).isEqualTo("pfel");
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP_STRING);
    assertThat(result.tokenIds()).as("the stop string's tokens are reported").hasSize(8);
    assertThat(pieces).containsExactly("p", "f", "e", "l");
  }

  @Test
  void aStopStringOfThePromptDoesNotCount() {
    GenerationConfig stop = config.toBuilder().stopStrings("Anna", "a g").build();
    assertThat(generator.generate("Anna", stop)).isEqualTo(STORY.substring(4));
  }

  @Test
  void whatOnlyBeganAsAStopStringComesOutInTheEnd() {
    List<String> pieces = new ArrayList<>();
    GenerationConfig stop = config.toBuilder().stopStrings("sie.\n!").build();
    assertThat(generator.generate("Anna", stop, pieces::add).text()).isEqualTo(STORY.substring(4));
    assertThat(pieces).endsWith("sie.\n");
  }

  @Test
  void continuesPromptsOfUnequalLengthTogether() {
    List<String> prompts = List.of("Zwei B", "Anna grüßt 😀 ihre Brüder. Dann", "Zwei Ä");
    assertThat(generator.generate(prompts, config.toBuilder().stopStrings("\nE").build()))
        .containsExactly("irnen", " geht sie.\n", "pfel");
    assertThat(generator.generate(List.of(), config)).isEmpty();
  }

  @Test
  void rowsThatStopAreFedTheTokenizersPadToken() {
    generator.generate(List.of("Zwei B", "Anna"), config);
    assertThat(model.sessions().get(0).row(0))
        .containsSequence(ByteTokenizer.EOS, ByteTokenizer.PAD)
        .endsWith(ByteTokenizer.PAD);
  }

  @Test
  void endOfSequenceTokensOfTheSettingsReplaceTheTokenizers() {
    GenerationConfig other = config.toBuilder().eosTokenIds('.').build();
    assertThat(generator.generate("Anna", other)).isEqualTo(" grüßt 😀 ihre Brüder");
  }

  @Test
  void aPromptWithoutTokensIsRefusedUnlessTheTokenizerAddsOne() {
    assertThat(generator.generate("", config)).isNotEmpty();
    TextGenerator bare = generator.withSpecialTokens(false);
    assertThatThrownBy(() -> bare.generate("", config))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prompt 0 has no tokens");
    bare.generate("Anna", config);
    assertThat(model.sessions().get(1).row(0)).startsWith((int) 'A');
  }

  @Test
  void aFailingListenerEndsTheGenerationAndTheSession() {
    assertThatThrownBy(
            () ->
                generator.generate(
                    "Anna",
                    config,
                    text -> {
                      throw new IllegalStateException("enough");
                    }))
        .hasMessage("enough");
    assertThat(model.sessions().get(0).closed()).isTrue();
    assertThat(model.sessions().get(0).row(0)).hasSize(5);
  }

  @Property(tries = 100)
  void streamedPiecesAreTheTextAndHoldNoStopString(
      @ForAll @LongRange(min = 0, max = 1_000_000) long seed) {
    // Hot enough to jump between the texts and to break characters.
    GenerationConfig sampling =
        GenerationConfig.builder()
            .doSample(true)
            .temperature(2.5)
            .topK(0)
            .maxNewTokens(60)
            .seed(seed)
            .stopStrings("üß", "e ", "\n")
            .build();
    List<String> pieces = new ArrayList<>();
    GenerationResult result = generator.generate("An", sampling, pieces::add);

    assertThat(pieces).doesNotContain("");
    assertThat(String.join("", pieces)).isEqualTo(result.text());
    assertThat(result.text()).doesNotContain("üß").doesNotContain("e ").doesNotContain("\n");
    assertThat(result).isEqualTo(generator.generateResults(List.of("An"), sampling).get(0));
    String whole = new ByteTokenizer().decode(result.tokenIds(), true);
    assertThat(whole).startsWith(result.text());
    assertThat(result.finishReason() == FinishReason.STOP_STRING)
        .isEqualTo(whole.length() > result.text().length());
  }
}
