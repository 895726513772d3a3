package io.github.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LabelMapTest {

  @Test
  void namesAndIdsBelongTogether() {
    LabelMap labels = LabelMap.of("bad", "so-so", "good");
    assertThat(labels.size()).isEqualTo(3);
    assertThat(labels.name(2)).isEqualTo("good");
    assertThat(labels.id("so-so")).isEqualTo(1);
    assertThat(labels.find("fair")).isEmpty();
    assertThat(LabelMap.fromId2Label(Map.of(1, "so-so", 2, "good", 0, "bad"))).isEqualTo(labels);
    assertThat(LabelMap.ofSize(2).names()).containsExactly("LABEL_0", "LABEL_1");
  }

  @Test
  void aDatasetsNamesAreSorted() {
    Dataset<String> rows = Dataset.of(List.of("b", "a", "b", "c", "a"));
    assertThat(LabelMap.from(rows, row -> row).names()).containsExactly("a", "b", "c");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LabelMap.from(Dataset.of(List.of("b", " ")), row -> row))
        .withMessageContaining("row 1");
  }

  @Test
  void classesOfASequenceBecomeZerosAndOnes() {
    LabelMap labels = LabelMap.of("a", "b", "c");
    assertThat(labels.multiHot(List.of("c", "a"))).isEqualTo(SequenceLabels.ofValues(1, 0, 1));
    assertThat(labels.multiHot(List.of())).isEqualTo(SequenceLabels.ofValues(0, 0, 0));
  }

  @Test
  void whatIsWrongIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LabelMap.of("a", "b", "a"))
        .withMessageContaining("\"a\" twice");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LabelMap.of("entity", "number").id("entitty"))
        .withMessageContaining("did you mean entity")
        .withMessageContaining("known are entity, number");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LabelMap.fromId2Label(Map.of(0, "a", 2, "b")))
        .withMessageContaining("ids 0 to 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LabelMap.of("a").name(1))
        .withMessageContaining("from 0 to 0, found 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LabelMap.ofSize(0))
        .withMessageContaining("at least one");
  }
}
