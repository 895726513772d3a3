package io.github.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

class PackingPropertyTest {

  private static final int NO = TokenizedExample.IGNORE_INDEX;
  private static final int LONGEST = 30;

  /** Samples with some labels, the tokens of all of them numbered through. */
  @Provide
  Arbitrary<Dataset<TokenizedExample>> samples() {
    Arbitrary<boolean[]> supervised =
        Arbitraries.of(false, true).array(boolean[].class).ofMinSize(1).ofMaxSize(LONGEST);
    return supervised.list().ofMaxSize(40).map(PackingPropertyTest::number);
  }

  private static Dataset<TokenizedExample> number(List<boolean[]> supervised) {
    List<TokenizedExample> samples = new ArrayList<>();
    int id = 0;
    for (boolean[] sample : supervised) {
      int[] ids = new int[sample.length];
      int[] labels = new int[sample.length];
      for (int i = 0; i < sample.length; i++) {
        ids[i] = id++;
        labels[i] = sample[i] ? ids[i] : NO;
      }
      samples.add(new TokenizedExample(ids, labels));
    }
    return Dataset.of(samples);
  }

  private static TokenizedExample part(TokenizedExample example, int from, int to) {
    return new TokenizedExample(
        Arrays.copyOfRange(example.inputIds(), from, to),
        Arrays.copyOfRange(example.labels(), from, to));
  }

  /** The samples of packed rows, cut where positions start again. */
  private static List<TokenizedExample> unpack(Dataset<TokenizedExample> packed) {
    List<TokenizedExample> samples = new ArrayList<>();
    for (TokenizedExample row : packed) {
      int from = 0;
      for (int i = 1; i <= row.length(); i++) {
        if (i == row.length() || row.positionIds()[i] == 0) {
          samples.add(part(row, from, i));
          from = i;
        }
      }
    }
    return samples;
  }

  private static TokenizedExample withoutFirstLabel(TokenizedExample sample) {
    int[] labels = sample.labels().clone();
    labels[0] = NO;
    return new TokenizedExample(sample.inputIds(), labels);
  }

  @Property(tries = 300)
  void bestFitKeepsEachSampleOnceAndWhole(
      @ForAll("samples") Dataset<TokenizedExample> samples,
      @ForAll @IntRange(min = LONGEST, max = 90) int maxLength) {
    List<TokenizedExample> expected = samples.map(PackingPropertyTest::withoutFirstLabel).rows();
    List<TokenizedExample> found = unpack(samples.transform(Packing.of(maxLength)));
    found.sort(Comparator.comparingInt(sample -> sample.inputIds()[0]));
    assertThat(found).isEqualTo(expected);
  }

  @Property(tries = 300)
  void bestFitLeavesNoTwoRowsThatWouldFitIntoOne(
      @ForAll("samples") Dataset<TokenizedExample> samples,
      @ForAll @IntRange(min = LONGEST, max = 90) int maxLength) {
    int[] lengths =
        samples.transform(Packing.of(maxLength)).stream()
            .mapToInt(TokenizedExample::length)
            .sorted()
            .toArray();
    if (lengths.length > 0) {
      assertThat(lengths[lengths.length - 1]).isLessThanOrEqualTo(maxLength);
    }
    if (lengths.length > 1) {
      assertThat(lengths[0] + lengths[1]).isGreaterThan(maxLength);
    }
  }

  @Property(tries = 300)
  void supervisedTokensAddUpThroughPackingAndPadding(
      @ForAll("samples") Dataset<TokenizedExample> samples,
      @ForAll @IntRange(min = LONGEST, max = 90) int maxLength) {
    Dataset<TokenizedExample> packed = samples.transform(Packing.of(maxLength));
    assertThat(supervised(packed)).isEqualTo(supervised(samples));
    if (!packed.isEmpty()) {
      Batch batch = PaddingCollator.of(0).padToMultipleOf(8).collate(packed.rows());
      assertThat(batch.supervisedTokens()).isEqualTo(supervised(samples));
      assertThat(batch.tokens())
          .isEqualTo(samples.stream().mapToInt(TokenizedExample::length).sum());
      long starts =
          IntStream.range(0, batch.size() * batch.length()).filter(batch::startsSample).count();
      assertThat(starts).isEqualTo(samples.size());
    }
  }

  private static int supervised(Dataset<TokenizedExample> examples) {
    return examples.stream().mapToInt(TokenizedExample::supervisedTokens).sum();
  }

  @Property(tries = 300)
  void wrappedRowsAreAllTokensInTheirOrderCutWhereARowIsFull(
      @ForAll("samples") Dataset<TokenizedExample> samples,
      @ForAll @IntRange(min = 2, max = 40) int maxLength) {
    int[] ids = samples.stream().flatMapToInt(s -> Arrays.stream(s.inputIds())).toArray();
    int[] labels = samples.stream().flatMapToInt(s -> Arrays.stream(s.labels())).toArray();
    List<TokenizedExample> expected = new ArrayList<>();
    for (int from = 0; from < ids.length; from += maxLength) {
      int to = Math.min(from + maxLength, ids.length);
      expected.add(
          withoutFirstLabel(
              new TokenizedExample(
                  Arrays.copyOfRange(ids, from, to), Arrays.copyOfRange(labels, from, to))));
    }
    Packing packing = Packing.of(maxLength).strategy(PackingStrategy.WRAPPED);
    assertThat(samples.transform(packing).rows()).isEqualTo(expected);
  }
}
