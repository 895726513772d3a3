package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class StepPlanTest {

  private static TrainingArgumentsBuilder args(int batch, int accumulation) {
    return TrainingArguments.builder()
        .perDeviceTrainBatchSize(batch)
        .gradientAccumulationSteps(accumulation);
  }

  @Test
  void theLastUpdateOfAnEpochTakesWhatIsLeft() {
    StepPlan plan = StepPlan.of(21, args(2, 4).numTrainEpochs(2).build());

    assertThat(plan.microBatchesPerEpoch()).isEqualTo(11);
    assertThat(plan.updatesPerEpoch()).isEqualTo(3);
    assertThat(plan.maxSteps()).isEqualTo(6);
    assertThat(plan.numTrainEpochs()).isEqualTo(2);
    assertThat(plan.microBatchesOf(0)).isEqualTo(4);
    assertThat(plan.microBatchesOf(2)).isEqualTo(3);
    assertThat(plan.epochAfter(1, 4)).isEqualTo(1 + 4 / 11.0);
    assertThat(plan.epochAfter(1, 11)).isEqualTo(2.0);
  }

  @Test
  void aFractionOfAnEpochIsRoundedUpToUpdates() {
    StepPlan plan = StepPlan.of(10, args(2, 1).numTrainEpochs(1.5).build());

    assertThat(plan.maxSteps()).isEqualTo(8);
    assertThat(plan.numTrainEpochs()).isEqualTo(2);
  }

  @Test
  void maxStepsOverridesTheEpochs() {
    StepPlan plan = StepPlan.of(10, args(2, 1).numTrainEpochs(1).maxSteps(11).build());

    assertThat(plan.maxSteps()).isEqualTo(11);
    assertThat(plan.numTrainEpochs()).isEqualTo(3);
  }

  @Test
  void fewerExamplesThanABatchMakeOneShortUpdate() {
    StepPlan plan = StepPlan.of(3, args(8, 4).numTrainEpochs(1).build());

    assertThat(plan.maxSteps()).isEqualTo(1);
    assertThat(plan.microBatchesOf(0)).isEqualTo(1);
  }

  @Test
  void droppingTheLastBatchLeavesOnlyFullOnes() {
    StepPlan plan = StepPlan.of(21, args(2, 4).dataloaderDropLast(true).build());

    assertThat(plan.microBatchesPerEpoch()).isEqualTo(10);
  }

  @Test
  void droppingTheOnlyBatchIsAnError() {
    assertThatThrownBy(() -> StepPlan.of(3, args(8, 1).dataloaderDropLast(true).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("3 examples")
        .hasMessageContaining("one batch of 8");
  }

  @Test
  void intervalsBelowOneAreFractionsOfTheRunRoundedUp() {
    StepPlan plan = StepPlan.of(10, args(1, 1).maxSteps(25).build());

    assertThat(plan.resolve(0.1)).isEqualTo(3);
    assertThat(plan.resolve(7)).isEqualTo(7);
    assertThat(plan.resolve(0)).isZero();
  }

  @Property
  void theUpdatesOfAnEpochConsumeEachBatchOnce(
      @ForAll @IntRange(min = 1, max = 500) int examples,
      @ForAll @IntRange(min = 1, max = 9) int batch,
      @ForAll @IntRange(min = 1, max = 9) int accumulation,
      @ForAll @DoubleRange(min = 0.1, max = 4) double epochs) {
    StepPlan plan = StepPlan.of(examples, args(batch, accumulation).numTrainEpochs(epochs).build());

    int consumed = 0;
    for (int update = 0; update < plan.updatesPerEpoch(); update++) {
      assertThat(plan.microBatchesOf(update)).isBetween(1, accumulation);
      consumed += plan.microBatchesOf(update);
    }
    assertThat(consumed).isEqualTo(plan.microBatchesPerEpoch());
    assertThat(plan.maxSteps()).isGreaterThan((plan.numTrainEpochs() - 1) * plan.updatesPerEpoch());
    assertThat(plan.maxSteps()).isLessThanOrEqualTo(plan.numTrainEpochs() * plan.updatesPerEpoch());
  }
}
