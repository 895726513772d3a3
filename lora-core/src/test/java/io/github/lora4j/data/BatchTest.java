package io.github.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class BatchTest {

  private static final int NO = TokenizedExample.IGNORE_INDEX;

  @Test
  void countsWhatIsPredictedFromAPositionBefore() {
    Batch batch =
        new Batch(
            2,
            3,
            new int[] {5, 6, 7, 8, 9, 0},
            new int[] {1, 1, 1, 1, 1, 0},
            new int[] {5, NO, 7, 8, 9, NO});
    assertThat(batch.supervisedTokens()).isEqualTo(2);
    assertThat(batch.tokens()).isEqualTo(5);
    assertThat(batch).hasToString("Batch[2 x 3, 2 supervised]");
  }

  @Test
  void isEqualByContent() {
    assertThat(one(3)).isEqualTo(one(3)).hasSameHashCodeAs(one(3)).isNotEqualTo(one(4));
  }

  private static Batch one(int id) {
    return new Batch(1, 1, new int[] {id}, new int[] {1}, new int[] {NO});
  }

  @Test
  void refusesArraysOfAnotherSize() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Batch(1, 2, new int[2], new int[2], new int[3]))
        .withMessage("labels must hold size * length = 2 numbers, found 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Batch(1 << 16, 1 << 16, new int[0], new int[0], new int[0]))
        .withMessageContaining("4294967296");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Batch(0, 2, new int[0], new int[0], new int[0]))
        .withMessageContaining("size 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Batch(1, 1, new int[1], new int[] {2}, new int[1]))
        .withMessage("attentionMask[0] must be 0 or 1, found 2");
  }
}
