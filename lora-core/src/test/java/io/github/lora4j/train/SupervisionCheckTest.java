package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.error.DatasetException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SupervisionCheckTest {

  private static final TokenizedExample WITHOUT_EOS =
      new TokenizedExample(new int[] {3, 4, 5}, new int[] {3, 4, 5});
  private static final TokenizedExample MASKED_EOS =
      new TokenizedExample(new int[] {3, 4, 2}, new int[] {3, 4, -100});
  private static final TokenizedExample EOS_FIRST =
      new TokenizedExample(new int[] {2, 4}, new int[] {2, 4});
  private static final TokenizedExample MASKED =
      new TokenizedExample(new int[] {3, 4, 2}, new int[] {3, -100, -100});

  private static Trainer.Builder trainer(
      ToyModel model, List<Integer> begun, TokenizedExample... e) {
    TrainingArguments args =
        TrainingArguments.builder()
            .maxSteps(1)
            .saveStrategy(IntervalStrategy.NO)
            .disableTqdm(true)
            .build();
    TrainerCallback counting =
        new TrainerCallback() {
          @Override
          public void onStepEnd(StepInfo step, TrainerControl control) {
            begun.add(step.step());
          }
        };
    return Trainer.builder(model, args).trainDataset(Dataset.of(List.of(e))).callbacks(counting);
  }

  @Test
  void dataWithoutASupervisedTokenFailsBeforeTheFirstUpdate() {
    List<Integer> begun = new ArrayList<>();
    try (ToyModel model = new ToyModel(0.0)) {
      Trainer trainer = trainer(model, begun, MASKED, MASKED).build();

      assertThatThrownBy(trainer::train)
          .isInstanceOf(DatasetException.class)
          .hasMessageContaining("No example of Dataset[memory: 2 rows]")
          .hasMessageContaining("maxLength");
    }
    assertThat(begun).isEmpty();
  }

  @Test
  void dataWithoutAnEosToLearnFailsBeforeTheFirstUpdate() {
    List<Integer> begun = new ArrayList<>();
    try (ToyModel model = new ToyModel(0.0)) {
      Trainer trainer = trainer(model, begun, WITHOUT_EOS, MASKED_EOS, EOS_FIRST).build();

      assertThatThrownBy(trainer::train)
          .isInstanceOf(DatasetException.class)
          .hasMessageContaining("end-of-sequence token (id [2])")
          .hasMessageContaining("eosTokenIds()");
    }
    assertThat(begun).isEmpty();
  }

  @Test
  void theEosTokensCanBeGivenOrTheCheckSwitchedOff() {
    List<Integer> begun = new ArrayList<>();
    try (ToyModel model = new ToyModel(0.0)) {
      trainer(model, begun, WITHOUT_EOS).eosTokenIds().build().train();
      trainer(model, begun, WITHOUT_EOS).eosTokenIds(7, 5).build().train();
    }
    assertThat(begun).containsExactly(1, 1);
  }

  @Test
  void examplesWithoutASupervisedTokenAreLeftOut() {
    TokenizedExample good = ToyModel.examples(1).get(0);

    assertThat(SupervisionCheck.supervised(Dataset.of(List.of(MASKED, good, MASKED))).rows())
        .containsExactly(good);
  }
}
