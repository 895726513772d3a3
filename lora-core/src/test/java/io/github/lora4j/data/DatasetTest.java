package io.github.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class DatasetTest {

  private static Dataset<Integer> numbers(int size) {
    return Dataset.of(IntStream.range(0, size).boxed().toList());
  }

  @Test
  void mapsFiltersAndReadsInOrder() {
    Dataset<Integer> data = numbers(6);
    assertThat(data.map(n -> n * n).filter(n -> n % 2 == 0).rows()).containsExactly(0, 4, 16);
    assertThat(data.get(5)).isEqualTo(5);
    assertThat(data.stream().mapToInt(n -> n).sum()).isEqualTo(15);
    assertThat(data).containsExactly(0, 1, 2, 3, 4, 5);
    assertThat(data.isEmpty()).isFalse();
    assertThat(data.filter(n -> n > 9).isEmpty()).isTrue();
  }

  @Test
  void handsItselfToAFunctionOfTheWhole() {
    int size = numbers(6).transform(Dataset::size);
    assertThat(size).isEqualTo(6);
  }

  @Test
  void doesNotFollowTheListItWasMadeOf() {
    List<String> rows = new ArrayList<>(List.of("a", "b"));
    Dataset<String> data = Dataset.of(rows);
    rows.clear();
    assertThat(data.size()).isEqualTo(2);
    assertThatThrownBy(() -> data.rows().add("c"))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void mapsAtOnceSoThatABadRowFailsAtOnce() {
    assertThatThrownBy(() -> numbers(3).map(n -> 1 / (n - 2)))
        .isInstanceOf(ArithmeticException.class);
  }

  @Test
  void namesTheRowThatIsNotThere() {
    assertThatThrownBy(() -> numbers(3).get(3))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("row 3 of Dataset[memory: 3 rows]");
  }

  @Test
  void describesItself() {
    List<Integer> rows = IntStream.range(0, 1200).boxed().toList();
    Dataset<Integer> data = Dataset.of(rows, "train.csv", List.of("question", "answer"));
    assertThat(data).hasToString("Dataset[train.csv: 1,200 rows, columns question, answer]");
    Dataset.Split<Integer> split = data.split(0.95, 1);
    assertThat(split.train())
        .hasToString("Dataset[train.csv (train): 1,140 rows, columns question, answer]");
    assertThat(split.validation().map(String::valueOf))
        .hasToString("Dataset[train.csv (validation): 60 rows]");
    assertThat(numbers(1)).hasToString("Dataset[memory: 1 row]");
  }

  @Test
  void shufflesTheSameWayEverywhere() {
    // From a second implementation of the published algorithm, in Python.
    assertThat(numbers(10).shuffle(0).rows()).containsExactly(EXPECTED_0);
    assertThat(numbers(10).shuffle(-42).rows()).containsExactly(EXPECTED_42);
  }

  private static final Integer[] EXPECTED_0 = {5, 6, 1, 4, 8, 3, 2, 9, 0, 7};
  private static final Integer[] EXPECTED_42 = {0, 4, 6, 9, 2, 3, 8, 1, 5, 7};

  @Property(tries = 200)
  void shufflesAllRowsAndRepeatsItself(@ForAll @IntRange(max = 50) int size, @ForAll long seed) {
    Dataset<Integer> shuffled = numbers(size).shuffle(seed);
    assertThat(shuffled.rows()).containsExactlyInAnyOrderElementsOf(numbers(size).rows());
    assertThat(numbers(size).shuffle(seed).rows()).isEqualTo(shuffled.rows());
  }

  @Test
  void shufflesEvenly() {
    // Each of the 24 orders of four rows 500 times in 12,000, give or take 5 standard deviations.
    int[] counts = new int[256];
    for (int seed = 0; seed < 12_000; seed++) {
      counts[numbers(4).shuffle(seed).stream().reduce(0, (a, b) -> a * 4 + b)]++;
    }
    assertThat(IntStream.of(counts).filter(n -> n > 0))
        .hasSize(24)
        .allMatch(n -> n > 390 && n < 610);
  }

  @Property(tries = 200)
  void splitsWithoutSharingOrLosingARow(
      @ForAll @IntRange(min = 2, max = 60) int size,
      @ForAll @DoubleRange(min = 0.3, max = 0.7) double fraction,
      @ForAll long seed) {
    Dataset.Split<Integer> split = numbers(size).split(fraction, seed);
    List<Integer> all = new ArrayList<>(split.train().rows());
    all.addAll(split.validation().rows());
    assertThat(all).isEqualTo(numbers(size).shuffle(seed).rows());
    assertThat(split.train().size()).isEqualTo((int) Math.round(size * fraction));
  }

  @Test
  void refusesASplitWithAnEmptySide() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> numbers(4).split(0.95, 1))
        .withMessageContaining("Dataset[memory: 4 rows] at 0.95")
        .withMessageContaining("4 rows to train on and 0 to validate on");
    assertThatIllegalArgumentException().isThrownBy(() -> numbers(4).split(0.1, 1));
    for (double fraction : new double[] {0, 1, -1, 2, Double.NaN}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> numbers(4).split(fraction, 1))
          .withMessageContaining("between 0 and 1");
    }
  }
}
