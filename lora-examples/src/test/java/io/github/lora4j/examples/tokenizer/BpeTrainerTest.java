package io.github.lora4j.examples.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class BpeTrainerTest {

  private static final List<String> SPECIALS = List.of("<s>", "</s>", "<pad>");

  @Test
  void mergesTheMostFrequentPairFirst() {
    BpeVocabulary vocabulary =
        BpeTrainer.train(List.of("low low low lower lower newest"), 262, SPECIALS);
    // "lo" and "ow" and "Ġl" occur alike often: the alphabetically first wins
    assertThat(vocabulary.merges().get(0)).containsExactly("l", "o");
    assertThat(vocabulary.merges().get(1)).containsExactly("lo", "w");
    assertThat(vocabulary.size()).isEqualTo(262);
  }

  @Test
  void numbersSpecialTokensFirstThenBytesThenMerges() {
    BpeVocabulary vocabulary = BpeTrainer.train(List.of("aa aa"), 300, SPECIALS);
    assertThat(vocabulary.ids()).containsEntry("<s>", 0).containsEntry("</s>", 1);
    assertThat(vocabulary.ids()).containsEntry("<pad>", 2).containsEntry("Ā", 3);
    assertThat(vocabulary.ids()).containsEntry("aa", 259);
    assertThat(vocabulary.ids().values()).doesNotHaveDuplicates();
    assertThat(Collections.max(vocabulary.ids().values())).isEqualTo(vocabulary.size() - 1);
  }

  @Test
  void stopsWhenNothingOccursTwice() {
    assertThat(BpeTrainer.train(List.of("abc"), 1000, SPECIALS).size()).isEqualTo(259);
  }

  @Test
  void neverMergesAcrossWords() {
    BpeVocabulary vocabulary =
        BpeTrainer.train(Collections.nCopies(50, "on the sea\non the sea"), 400, SPECIALS);
    assertThat(vocabulary.ids()).containsKeys("Ġsea", "Ġthe", "on");
    assertThat(vocabulary.ids().keySet())
        .noneMatch(token -> token.lastIndexOf('Ġ') > 0 || token.lastIndexOf('Ċ') > 0);
  }

  @Test
  void refusesAVocabularyWithoutRoomForBytes() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BpeTrainer.train(List.of("a"), 258, SPECIALS))
        .withMessageContaining("258");
  }
}
