package io.github.lora4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TokenGeneratorTest {

  private static final int EOS = 9;

  private final NgramModel model = new NgramModel(10, 2, 40);

  TokenGeneratorTest() {
    model.read(1, 2, 3, 4, EOS);
    model.read(5, 6, 7, 6, 8, 6, 7, 6, 8, 6, 7, 6, 8);
  }

  @Test
  void returnsTheNewTokensWithTheEndOfSequenceThatEndedThem() {
    assertThat(generate(greedy(20), new int[] {1, 2})).containsExactly(3, 4, EOS);
  }

  @Test
  void stopsAtAnyOfSeveralEndOfSequenceTokens() {
    GenerationConfig config = greedy(20).toBuilder().eosTokenIds(EOS, 3).build();
    assertThat(generate(config, new int[] {1, 2})).containsExactly(3);
  }

  @Test
  void producesMaxNewTokensWithoutAnEndOfSequence() {
    GenerationConfig config = GenerationConfig.builder().maxNewTokens(6).build();
    assertThat(generate(config, new int[] {5, 6})).containsExactly(7, 6, 8, 6, 7, 6);
  }

  @Test
  void minNewTokensRulesOutTheEndOfSequenceUntilThen() {
    GenerationConfig config = greedy(20).toBuilder().minNewTokens(4).build();
    int[] tokens = generate(config, new int[] {1, 2});
    assertThat(tokens).hasSizeGreaterThanOrEqualTo(4).startsWith(3, 4);
    assertThat(Arrays.copyOf(tokens, 3)).doesNotContain(EOS);
  }

  @Test
  void rowsOfABatchGetWhatTheyGetAloneAndFinishOnTheirOwn() {
    int[][] prompts = {{5, 6}, {3}, {1}, {1, 2, 3, 4, 5, 6}};
    List<int[]> together = TokenGenerator.generate(model, prompts, greedy(7));

    assertThat(together).hasSize(4);
    for (int i = 0; i < prompts.length; i++) {
      assertThat(together.get(i)).as("row %d", i).isEqualTo(generate(greedy(7), prompts[i]));
    }
    assertThat(together.get(0)).hasSize(7);
    assertThat(together.get(1)).containsExactly(4, EOS);
  }

  @Test
  void finishedRowsAreFedThePadTokenAndTheLastTokensAreNotFedAtAll() {
    GenerationConfig config = greedy(5).toBuilder().padTokenId(0).build();
    TokenGenerator.generate(model, new int[][] {{3}, {5, 6}}, config);
    NgramModel.Session session = model.sessions().get(0);
    assertThat(session.row(0)).containsExactly(3, 4, EOS, 0, 0);
    assertThat(session.row(1)).containsExactly(5, 6, 7, 6, 8, 6);
    assertThat(session.maxLength()).isEqualTo(2 + 5);
    assertThat(session.closed()).isTrue();
  }

  @Test
  void withoutAPadTokenFinishedRowsAreFedTheFirstEndOfSequence() {
    TokenGenerator.generate(model, new int[][] {{3}, {5, 6}}, greedy(5));
    assertThat(model.sessions().get(0).row(0)).containsExactly(3, 4, EOS, EOS, EOS);
  }

  @Test
  void aPadTokenThatTheModelDoesNotKnowIsNotFed() {
    GenerationConfig config = greedy(5).toBuilder().padTokenId(10).build();
    TokenGenerator.generate(model, new int[][] {{3}, {5, 6}}, config);
    assertThat(model.sessions().get(0).row(0)).containsExactly(3, 4, EOS, 0, 0);
  }

  @Test
  void theSameSeedDrawsTheSameTokensAndAnotherSeedOthers() {
    int[] prompt = {5, 6};
    assertThat(generate(sampling(11), prompt)).isEqualTo(generate(sampling(11), prompt));
    assertThat(generate(sampling(11), prompt)).isNotEqualTo(generate(sampling(12), prompt));
  }

  @Test
  void withoutASeedEachCallDrawsAnew() {
    GenerationConfig config =
        GenerationConfig.builder().doSample(true).temperature(5).maxNewTokens(30).build();
    // Two equal calls would be a chance of about one in 10^30.
    assertThat(generate(config, new int[] {5, 6})).isNotEqualTo(generate(config, new int[] {5, 6}));
  }

  @Test
  void whatARowDrawsDoesNotDependOnTheOthers() {
    int[][] prompts = {{1, 2}, {5}, {5, 6, 7}};
    List<int[]> together = TokenGenerator.generate(model, prompts, sampling(3));
    List<int[]> reversed =
        TokenGenerator.generate(
            model, new int[][] {prompts[2], prompts[1], prompts[0]}, sampling(3));
    for (int i = 0; i < prompts.length; i++) {
      assertThat(together.get(i)).isEqualTo(generate(sampling(3), prompts[i]));
      assertThat(together.get(i)).isEqualTo(reversed.get(2 - i));
    }
  }

  @Test
  void equalPromptsInOneBatchGetDifferentDraws() {
    int[] prompt = {5, 6};
    List<int[]> tokens =
        TokenGenerator.generate(model, new int[][] {prompt, prompt, prompt}, sampling(3));
    Set<List<Integer>> different = new HashSet<>();
    tokens.forEach(row -> different.add(Arrays.stream(row).boxed().toList()));
    assertThat(different).hasSize(3);
    assertThat(tokens.get(0)).isEqualTo(generate(sampling(3), prompt));
  }

  @Test
  void noPromptsGiveNoRows() {
    assertThat(TokenGenerator.generate(model, new int[0][], greedy(5))).isEmpty();
  }

  @Test
  void anEmptyPromptIsRefusedByItsNumber() {
    assertThatThrownBy(() -> TokenGenerator.generate(model, new int[][] {{1}, {}}, greedy(5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prompt 1 has no tokens");
  }

  @Test
  void aNegativeTokenIdIsRefused() {
    assertThatThrownBy(() -> generate(greedy(5), new int[] {1, -4}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prompt 0 holds the token id -4");
  }

  @Test
  void aPromptThatLeavesTooLittleRoomIsRefusedWithWhatWouldFit() {
    assertThatThrownBy(() -> generate(greedy(39), new int[] {1, 2}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prompt 0 has 2 tokens, with maxNewTokens=39 that makes 41")
        .hasMessageContaining("room for 40")
        .hasMessageContaining("at most 38");
    assertThatThrownBy(() -> generate(greedy(1), new int[40]))
        .hasMessageContaining("shorten the prompt");
    assertThatThrownBy(() -> generate(greedy(Integer.MAX_VALUE), new int[] {1, 2}))
        .hasMessageContaining("that makes 2147483649");
    assertThat(model.sessions()).isEmpty();
    assertThat(generate(GenerationConfig.builder().maxNewTokens(38).build(), new int[] {1, 2}))
        .hasSize(38);
  }

  @Test
  void stopStringsNeedText() {
    GenerationConfig config = greedy(5).toBuilder().stopStrings("x").build();
    assertThatThrownBy(() -> generate(config, new int[] {1}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("stopStrings");
  }

  private int[] generate(GenerationConfig config, int[] prompt) {
    return TokenGenerator.generate(model, new int[][] {prompt}, config).get(0);
  }

  private static GenerationConfig greedy(int maxNewTokens) {
    return GenerationConfig.builder().maxNewTokens(maxNewTokens).eosTokenIds(EOS).build();
  }

  private static GenerationConfig sampling(long seed) {
    return GenerationConfig.builder()
        .doSample(true)
        .temperature(3)
        .seed(seed)
        .maxNewTokens(25)
        .build();
  }
}
