package io.github.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class TokenizedExampleTest {

  private static TokenizedExample example(int... labels) {
    return new TokenizedExample(new int[] {1, 2, 3}, labels);
  }

  @Test
  void isEqualByContent() {
    assertThat(example(-100, 2, 3))
        .isEqualTo(example(-100, 2, 3))
        .hasSameHashCodeAs(example(-100, 2, 3))
        .isNotEqualTo(example(-100, -100, 3))
        .hasToString("TokenizedExample[3 tokens, 2 supervised]");
  }

  @Test
  void doesNotCountTheFirstPosition() {
    assertThat(example(1, 2, -100).supervisedTokens()).isEqualTo(1);
    assertThat(example(1, -100, -100).supervisedTokens()).isZero();
  }

  @Test
  void isOneSampleWhereNoPositionsAreGiven() {
    assertThat(example(1, 2, 3).positionIds()).containsExactly(0, 1, 2);
    assertThat(example(1, 2, 3)).isEqualTo(at(0, 1, 2)).isNotEqualTo(at(0, 0, 1));
  }

  private static TokenizedExample at(int... positionIds) {
    return new TokenizedExample(new int[] {1, 2, 3}, new int[] {1, 2, 3}, positionIds);
  }

  @Test
  void doesNotCountTheFirstPositionOfALaterSample() {
    assertThat(at(0, 1, 2).supervisedTokens()).isEqualTo(2);
    assertThat(at(0, 0, 1).supervisedTokens()).isEqualTo(1);
    assertThat(at(0, 0, 0).supervisedTokens()).isZero();
  }

  @Test
  void refusesPositionsThatDoNotCountTheTokensOfSamples() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> at(0, 1))
        .withMessage("positionIds must be as long as inputIds: inputIds has 3, positionIds 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> at(1, 2, 3))
        .withMessage("positionIds[0] must be 0 where a sample begins, found 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> at(0, 1, 3))
        .withMessage("positionIds[2] must be 2, or 0 where a sample begins, found 3");
  }

  @Test
  void refusesWhatCannotBeTrainedOn() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> example(1, 2))
        .withMessageContaining("inputIds has 3, labels 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> example(1, 2, -1))
        .withMessage("labels[2] must be a token id or -100, found -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TokenizedExample(new int[] {-3}, new int[] {1}))
        .withMessage("inputIds[0] is negative: -3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TokenizedExample(new int[0], new int[0]))
        .withMessageContaining("at least one token");
  }
}
