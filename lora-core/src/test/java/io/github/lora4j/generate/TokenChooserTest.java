package io.github.lora4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.error.LoraException;
import org.junit.jupiter.api.Test;

class TokenChooserTest {

  private static final int DRAWS = 40_000;

  @Test
  void drawsFollowTheProcessedDistribution() {
    float[] logits = {1.2f, -0.3f, 0.0f, 2.5f, -4f, 1.9f, 0.7f, Float.NEGATIVE_INFINITY};
    GenerationConfig config =
        GenerationConfig.builder().doSample(true).temperature(1.3).topK(6).topP(0.97).build();
    // Without a repetition penalty the draws of a row don't depend on each other.
    TokenChooser chooser = chooser(config, 7);
    int[] counts = new int[logits.length];
    for (int i = 0; i < DRAWS; i++) {
      counts[chooser.next(logits.clone())]++;
    }

    // Worked out by hand: top-k drops token 4, and 7 is impossible. Token 1 is the least likely of
    // the rest, with 0.046 at temperature 1.3: more than the 0.03 that top-p would drop.
    double[] weights = {1.2, -0.3, 0.0, 2.5, Double.NaN, 1.9, 0.7, Double.NaN};
    double total = 0;
    for (int i = 0; i < weights.length; i++) {
      weights[i] = Double.isNaN(weights[i]) ? 0 : Math.exp(weights[i] / 1.3);
      total += weights[i];
    }
    double chiSquare = 0;
    for (int i = 0; i < weights.length; i++) {
      double expected = DRAWS * weights[i] / total;
      if (expected == 0) {
        assertThat(counts[i]).as("impossible token %d", i).isZero();
      } else {
        chiSquare += (counts[i] - expected) * (counts[i] - expected) / expected;
      }
    }
    assertThat(chiSquare).as("5 degrees of freedom, 99.9%%").isLessThan(20.52).isGreaterThan(0.01);
  }

  @Test
  void aDrawNeverFallsOnATokenWithoutProbability() {
    float none = Float.NEGATIVE_INFINITY;
    float[] scores = {none, 0, none, 0, none};
    assertThat(TokenChooser.draw(scores, 0)).isEqualTo(1);
    assertThat(TokenChooser.draw(scores, Math.nextDown(0.5))).isEqualTo(1);
    assertThat(TokenChooser.draw(scores, 0.5)).isEqualTo(3);
    assertThat(TokenChooser.draw(scores, Math.nextDown(1.0))).isEqualTo(3);
  }

  @Test
  void takesTheFirstOfTheLikeliestWithoutSampling() {
    assertThat(chooser(GenerationConfig.builder().build(), 1).next(new float[] {1, 5, 5, 2}))
        .isEqualTo(1);
  }

  @Test
  void theRepetitionPenaltyCountsPromptAndNewTokens() {
    GenerationConfig config = GenerationConfig.builder().repetitionPenalty(2).build();
    LogitProcessor processor = new LogitProcessor(config, new int[0]);
    TokenChooser chooser =
        new TokenChooser(config, processor, new int[] {0}, new RowRandom(1, new int[] {0}, 0));
    float[] logits = {10, 8, 6};
    assertThat(chooser.next(logits.clone())).as("10 / 2 < 8").isEqualTo(1);
    assertThat(chooser.next(logits.clone())).as("10 / 2, 8 / 2 < 6").isEqualTo(2);
    assertThat(chooser.next(logits.clone())).as("all halved").isEqualTo(0);
  }

  @Test
  void refusesLogitsThatAreNoNumbers() {
    TokenChooser chooser = chooser(GenerationConfig.builder().build(), 1);
    assertThatThrownBy(() -> chooser.next(new float[] {0, Float.NaN}))
        .isInstanceOf(LoraException.class)
        .hasMessageContaining("token 1 is NaN at new token 0")
        .hasMessageContaining("bf16");
    assertThatThrownBy(() -> chooser.next(new float[] {Float.POSITIVE_INFINITY, 0}))
        .hasMessageContaining("token 0 is Infinity");
    assertThatThrownBy(() -> chooser.next(new float[] {Float.NEGATIVE_INFINITY}))
        .hasMessageContaining("no token is left to choose");
  }

  @Test
  void refusesATemperatureThatOverflows() {
    GenerationConfig config = GenerationConfig.builder().doSample(true).temperature(1e-44).build();
    assertThatThrownBy(() -> chooser(config, 1).next(new float[] {3, 4}))
        .isInstanceOf(LoraException.class)
        .hasMessageContaining("temperature");
  }

  private static TokenChooser chooser(GenerationConfig config, long seed) {
    int[] prompt = {3};
    return new TokenChooser(
        config, new LogitProcessor(config, new int[0]), prompt, new RowRandom(seed, prompt, 0));
  }
}
