package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

class StepPaceTest {

  private static final double ALONE = 13;
  private static final double TOGETHER = 9;

  private final StepPace pace = new StepPace();

  /** How many of so many steps all threads made. */
  private int together(int steps, IntToDoubleFunction timeTogether) {
    int count = 0;
    for (int step = 0; step < steps; step++) {
      boolean all = pace.together();
      pace.took(all ? timeTogether.applyAsDouble(step) : ALONE);
      count += all ? 1 : 0;
    }
    return count;
  }

  @Test
  void aQuietMachineKeepsAllThreads() {
    assertThat(together(1000, step -> TOGETHER + (step % 50 == 0 ? 30 : 0))).isEqualTo(1000);
  }

  @Test
  void aTextThatGrowsKeepsAllThreads() {
    assertThat(together(3000, step -> TOGETHER * (1 + step / 500.0))).isEqualTo(3000);
  }

  @Test
  void aBusyMachineLeavesMostStepsToOneThread() {
    together(50, step -> TOGETHER);
    assertThat(together(1000, step -> step % 2 == 0 ? 40 : TOGETHER)).isLessThan(60);
  }

  @Test
  void allThreadsComeBackWhenTheMachineIsQuietAgain() {
    together(500, step -> 60);
    together(300, step -> TOGETHER);
    assertThat(together(200, step -> TOGETHER)).isEqualTo(200);
  }

  @Test
  void theFirstStepsMayBeSlow() {
    assertThat(together(100, step -> TOGETHER + 100.0 / (1 + step))).isGreaterThan(80);
  }
}
