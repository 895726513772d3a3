package io.github.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class PaddingCollatorTest {

  private static final int NO = TokenizedExample.IGNORE_INDEX;
  private static final int EOS = 2;

  private static TokenizedExample example(int... ids) {
    return new TokenizedExample(ids, ids.clone());
  }

  @Test
  void padsOnTheRightToTheLongest() {
    Batch batch = PaddingCollator.of(0).collate(List.of(example(5), example(6, 7)));
    assertThat(batch)
        .isEqualTo(
            new Batch(
                2, 2, new int[] {5, 0, 6, 7}, new int[] {1, 0, 1, 1}, new int[] {5, NO, 6, 7}));
  }

  @Test
  void keepsTheLossOfAnEndOfSequenceThatIsAlsoThePadding() {
    Batch batch = PaddingCollator.of(EOS).collate(List.of(example(5, EOS), example(6, 7, EOS)));
    assertThat(batch.labels()).containsExactly(5, EOS, NO, 6, 7, EOS);
    assertThat(batch.inputIds()).containsExactly(5, EOS, EOS, 6, 7, EOS);
    assertThat(batch.attentionMask()).containsExactly(1, 1, 0, 1, 1, 1);
  }

  @Test
  void positionsAreTheExamplesAndGoOnThroughThePadding() {
    TokenizedExample packed =
        new TokenizedExample(new int[] {5, 6, 7}, new int[] {NO, 6, NO}, new int[] {0, 1, 0});
    Batch batch = PaddingCollator.of(0).padToMultipleOf(5).collate(List.of(packed, example(8)));
    assertThat(batch.positionIds()).containsExactly(0, 1, 0, 1, 2, 0, 1, 2, 3, 4);
    assertThat(batch.attentionMask()).containsExactly(1, 1, 1, 0, 0, 1, 0, 0, 0, 0);
  }

  @Property(tries = 200)
  void losesNothingAndPadsNoFurtherThanTheMultiple(
      @ForAll @Size(min = 1, max = 5) List<@IntRange(min = 1, max = 40) Integer> lengths,
      @ForAll @IntRange(min = 1, max = 16) int multiple) {
    List<TokenizedExample> examples =
        lengths.stream()
            .map(
                length -> {
                  int[] ids = new int[length];
                  Arrays.setAll(ids, i -> i + 1);
                  return example(ids);
                })
            .toList();
    Batch batch = PaddingCollator.of(9).padToMultipleOf(multiple).collate(examples);
    int longest = lengths.stream().mapToInt(n -> n).max().orElseThrow();
    assertThat(batch.length() % multiple).isZero();
    assertThat(batch.length()).isBetween(longest, longest + multiple - 1);
    for (int row = 0; row < examples.size(); row++) {
      int start = row * batch.length();
      int end = start + lengths.get(row);
      assertThat(Arrays.copyOfRange(batch.inputIds(), start, end))
          .isEqualTo(examples.get(row).inputIds());
      assertThat(Arrays.copyOfRange(batch.labels(), start, end))
          .isEqualTo(examples.get(row).labels());
      assertThat(Arrays.copyOfRange(batch.labels(), end, start + batch.length()))
          .isEqualTo(fill(batch.length() - lengths.get(row)));
    }
    assertThat(batch.tokens()).isEqualTo(lengths.stream().mapToInt(n -> n).sum());
  }

  private static int[] fill(int length) {
    int[] filled = new int[length];
    Arrays.fill(filled, NO);
    return filled;
  }

  @Test
  void refusesWhatMakesNoBatch() {
    assertThatIllegalArgumentException().isThrownBy(() -> PaddingCollator.of(-1));
    assertThatIllegalArgumentException().isThrownBy(() -> PaddingCollator.of(0).padToMultipleOf(0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PaddingCollator.of(0).collate(List.of()))
        .withMessageContaining("at least one");
  }
}
