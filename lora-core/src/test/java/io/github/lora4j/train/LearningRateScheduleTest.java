package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;

class LearningRateScheduleTest {

  @Test
  void everyScheduleGivesTransformersMultipliers() {
    int tables = 0;
    for (JsonNode table : TrainFixtures.read("schedules.json")) {
      LrSchedulerType type = LrSchedulerType.of(table.get("name").textValue());
      LearningRateSchedule schedule =
          new LearningRateSchedule(
              type, 3e-4, table.get("warmup").intValue(), table.get("total").intValue());
      double[] expected = TrainFixtures.doubles(table.get("multipliers"));
      for (int s = 0; s < expected.length; s++) {
        assertThat(schedule.multiplier(s))
            .as("%s after %d updates", schedule, s)
            .isCloseTo(expected[s], within(1e-12));
        assertThat(schedule.at(s)).isEqualTo(3e-4 * schedule.multiplier(s));
      }
      tables++;
    }
    assertThat(tables).isEqualTo(4 * 5);
  }

  @Test
  void everyScheduleIsCoveredByTheTables() {
    for (LrSchedulerType type : LrSchedulerType.values()) {
      assertThat(TrainFixtures.read("schedules.json").findValuesAsText("name"))
          .contains(type.toString());
    }
  }

  @Test
  void theWarmupIsCountedInUpdatesOrAsAFractionOfTheRun() {
    assertThat(warmupOf(TrainingArguments.builder())).isZero();
    assertThat(warmupOf(TrainingArguments.builder().warmupSteps(7))).isEqualTo(7);
    assertThat(warmupOf(TrainingArguments.builder().warmupSteps(0.25))).isEqualTo(3);
    assertThat(warmupOf(TrainingArguments.builder().warmupRatio(0.25))).isEqualTo(3);
    assertThat(warmupOf(TrainingArguments.builder().warmupRatio(1))).isEqualTo(10);
  }

  private static int warmupOf(TrainingArgumentsBuilder builder) {
    TrainingArguments args = builder.maxSteps(10).build();
    return LearningRateSchedule.of(args, StepPlan.of(100, args)).warmupSteps();
  }

  @Test
  void aScheduleThatIsNotBuiltNamesThoseThatAre() {
    assertThatThrownBy(() -> LrSchedulerType.of("polynomial"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "lrSchedulerType \"polynomial\" is not built yet; use one of linear, cosine, constant,"
                + " constant_with_warmup");
  }

  @Test
  void namesAreReadInAnyCase() {
    assertThat(LrSchedulerType.of("COSINE")).isEqualTo(LrSchedulerType.COSINE);
    assertThat(OptimizerName.of("adamw_torch")).isEqualTo(OptimizerName.ADAMW_TORCH);
  }
}
