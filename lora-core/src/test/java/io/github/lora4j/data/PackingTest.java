package io.github.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The fixture is what src/test/python/make_packing_fixtures.py wrote. */
class PackingTest {

  private static final int NO = TokenizedExample.IGNORE_INDEX;

  private static JsonNode fixture(String name) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(PackingTest.class.getResourceAsStream("packing.json"))) {
      return new ObjectMapper().readTree(in).required(name);
    }
  }

  private static int[] ints(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).intValue()).toArray();
  }

  /** Samples of these lengths, their tokens numbered through from 1, each third without a label. */
  private static Dataset<TokenizedExample> samples(int... lengths) {
    List<TokenizedExample> samples = new ArrayList<>();
    int first = 1;
    for (int length : lengths) {
      int[] ids = IntStream.range(first, first + length).toArray();
      samples.add(new TokenizedExample(ids, Arrays.stream(ids).map(PackingTest::label).toArray()));
      first += length;
    }
    return Dataset.of(samples);
  }

  private static int label(int id) {
    return id % 3 == 0 ? NO : id;
  }

  @Test
  void rowsAreTheOnesThatTrlMakes() throws IOException {
    for (JsonNode expected : fixture("cases")) {
      String strategy = expected.required("strategy").textValue().toUpperCase(Locale.ROOT);
      Packing packing =
          Packing.of(expected.required("max_length").intValue())
              .strategy(PackingStrategy.valueOf(strategy));
      List<TokenizedExample> rows = new ArrayList<>();
      for (JsonNode row : expected.required("rows")) {
        int[] labels = ints(row.required("labels"));
        // TRL leaves it in a wrapped row, where the shift makes nothing of it.
        labels[0] = NO;
        rows.add(
            new TokenizedExample(
                ints(row.required("input_ids")), labels, ints(row.required("position_ids"))));
      }
      assertThat(samples(ints(expected.required("lengths"))).transform(packing).rows())
          .as(strategy)
          .isEqualTo(rows);
    }
  }

  @Test
  void tiesAmongManySamplesAreBrokenAsTrlDoes() throws IOException {
    JsonNode expected = fixture("large");
    List<TokenizedExample> rows = new ArrayList<>();
    for (JsonNode row : expected.required("rows")) {
      IntStream.Builder ids = IntStream.builder();
      IntStream.Builder labels = IntStream.builder();
      IntStream.Builder positions = IntStream.builder();
      for (JsonNode sample : row) {
        int first = sample.get(0).intValue();
        for (int i = 0; i < sample.get(1).intValue(); i++) {
          ids.add(first + i);
          labels.add(i == 0 ? NO : label(first + i));
          positions.add(i);
        }
      }
      rows.add(
          new TokenizedExample(
              ids.build().toArray(), labels.build().toArray(), positions.build().toArray()));
    }
    Packing packing = Packing.of(expected.required("max_length").intValue());

    assertThat(samples(ints(expected.required("lengths"))).transform(packing).rows())
        .isEqualTo(rows);
  }

  @Test
  void samplesOfAPackedRowStayApartWhenItIsPackedAgain() {
    Dataset<TokenizedExample> twice =
        samples(2, 2, 3).transform(Packing.of(4)).transform(Packing.of(8));
    assertThat(twice.size()).isEqualTo(1);
    assertThat(twice.get(0).positionIds()).containsExactly(0, 1, 0, 1, 0, 1, 2);
  }

  @Test
  void samplesThemselvesAreLeftAsTheyWere() {
    Dataset<TokenizedExample> samples = samples(3, 1, 2);
    samples.transform(Packing.of(2));
    samples.transform(Packing.of(4).strategy(PackingStrategy.WRAPPED));
    assertThat(samples.rows()).isEqualTo(samples(3, 1, 2).rows());
  }

  @Test
  void theResultRemembersItsSource() {
    assertThat(Dataset.of(samples(2, 2).rows(), "a.csv (train)", List.of()).transform(pack()))
        .hasToString("Dataset[a.csv (train) (packed): 1 row]");
  }

  private static Packing pack() {
    return Packing.of(8);
  }

  @Test
  void nothingPacksIntoNothing() {
    for (PackingStrategy strategy : PackingStrategy.values()) {
      assertThat(samples().transform(pack().strategy(strategy)).isEmpty()).isTrue();
    }
  }

  @Test
  void refusesRowsInWhichNothingCanBeLearnt() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Packing.of(1))
        .withMessage("maxLength must be at least 2, found 1");
  }
}
