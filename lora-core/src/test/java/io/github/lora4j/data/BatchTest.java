package io.github.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
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

  @Test
  void countsColumnsFromZeroWhereNoPositionsAreGiven() {
    Batch batch = new Batch(2, 3, new int[6], new int[6], new int[6]);
    assertThat(batch.positionIds()).containsExactly(0, 1, 2, 0, 1, 2);
  }

  @Test
  void aSampleBeginsWherePositionsDoNotGoOn() {
    Batch batch = at(0, 1, 0, 5, 6, 6, 7, 8);
    assertThat(IntStream.range(0, 8).filter(batch::startsSample)).containsExactly(0, 2, 3, 4, 5);
    // Columns 2 and 3 of the first row begin samples, columns 0 and 1 of the second.
    assertThat(batch.supervisedTokens()).isEqualTo(3);
    assertThat(batch)
        .isNotEqualTo(at(0, 1, 2, 3, 0, 1, 2, 3))
        .isEqualTo(at(0, 1, 0, 5, 6, 6, 7, 8));
    assertThatThrownBy(() -> batch.startsSample(8)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  private static Batch at(int... positionIds) {
    return new Batch(2, 4, new int[8], new int[8], new int[8], positionIds);
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
    assertThatIllegalArgumentException()
        .isThrownBy(() -> at(0, 1))
        .withMessage("positionIds must hold size * length = 8 numbers, found 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> at(0, 1, 2, 3, 0, 1, -2, 3))
        .withMessage("positionIds[6] is negative: -2");
  }
}
