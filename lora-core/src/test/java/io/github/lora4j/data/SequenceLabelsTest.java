package io.github.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SequenceLabelsTest {

  private static TokenizedExample example(int length, SequenceLabels label) {
    return TokenizedExample.labelled(new int[length], label);
  }

  @Test
  void aBatchHasTheLabelsOfItsRows() {
    PaddingCollator collator = PaddingCollator.of(0);
    Batch classes =
        collator.collate(
            List.of(example(2, SequenceLabels.ofClass(1)), example(3, SequenceLabels.ofClass(0))));
    assertThat(classes.sequenceLabels()).contains(new SequenceLabels.ClassIds(new int[] {1, 0}));
    assertThat(classes.supervisedItems()).isEqualTo(2);
    assertThat(classes.supervisedTokens()).isZero();
    Batch numbers =
        collator.collate(
            List.of(
                example(2, SequenceLabels.ofValues(1, 2)),
                example(1, SequenceLabels.ofValues(3, 4))));
    assertThat(numbers.sequenceLabels())
        .contains(new SequenceLabels.Values(2, new float[] {1, 2, 3, 4}));
    assertThat(numbers).isNotEqualTo(classes);
    Batch none =
        collator.collate(List.of(new TokenizedExample(new int[] {1, 2}, new int[] {1, 2})));
    assertThat(none.sequenceLabels()).isEmpty();
    assertThat(none.supervisedItems()).isEqualTo(1);
  }

  @Test
  void labelsOfOneBatchAreOfOneKind() {
    PaddingCollator collator = PaddingCollator.of(0);
    TokenizedExample classified = example(2, SequenceLabels.ofClass(1));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> collator.collate(List.of(classified, example(2, SequenceLabels.ofValues(1)))))
        .withMessageContaining("sequence 1 has Values[1.0]");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                SequenceLabels.join(
                    List.of(SequenceLabels.ofValues(1), SequenceLabels.ofValues(1, 2))))
        .withMessageContaining("one kind");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                collator.collate(
                    List.of(classified, new TokenizedExample(new int[] {1}, new int[] {1}))))
        .withMessageContaining("1 of 2 examples");
  }

  @Test
  void whatIsWrongIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SequenceLabels.ofClass(-1))
        .withMessageContaining("sequence 0 is negative: -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SequenceLabels.ofValues(1, Float.NaN))
        .withMessageContaining("value 1 of sequence 0 is NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(SequenceLabels::ofValues)
        .withMessageContaining("at least one number");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new TokenizedExample(
                    new int[] {1, 2},
                    new int[] {-100, 2},
                    new int[] {0, 1},
                    Optional.of(SequenceLabels.ofClass(0))))
        .withMessageContaining("found label 2 and position 1 at 1");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                TokenizedExample.labelled(
                    new int[] {1}, new SequenceLabels.ClassIds(new int[] {1, 2})))
        .withMessageContaining("of one sequence");
    Batch batch = new Batch(1, 2, new int[2], new int[] {1, 1}, new int[] {3, 4});
    assertThatIllegalArgumentException()
        .isThrownBy(() -> batch.labelled(new SequenceLabels.ClassIds(new int[] {1, 2})))
        .withMessageContaining("each of 1 rows");
    assertThat(batch.labelled(SequenceLabels.ofClass(2)).labels()).containsOnly(-100);
  }

  @Test
  void labelledSequencesAreNotPacked() {
    Dataset<TokenizedExample> dataset = Dataset.of(List.of(example(2, SequenceLabels.ofClass(1))));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> dataset.transform(Packing.of(8)))
        .withMessageContaining("can't be packed");
  }
}
