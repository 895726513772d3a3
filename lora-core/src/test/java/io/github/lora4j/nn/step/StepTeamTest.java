package io.github.lora4j.nn.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StepTeamTest {

  @Test
  void nobodyPassesABarrierBeforeAllAreThere() {
    try (StepTeam team = StepTeam.start(4)) {
      int threads = team.count();
      AtomicIntegerArray reached = new AtomicIntegerArray(threads);
      for (int run = 0; run < 20; run++) {
        int before = run * 100;
        team.run(
            index -> {
              for (int step = 1; step <= 100; step++) {
                reached.set(index, before + step);
                team.barrier();
                for (int other = 0; other < threads; other++) {
                  assertThat(reached.get(other)).isGreaterThanOrEqualTo(before + step);
                }
                team.barrier();
              }
            });
      }
      assertThat(reached.get(threads - 1)).isEqualTo(2000);
    }
  }

  @RepeatedTest(20)
  void aFailureOfOneEndsTheRunOfAllAndTheTeam() {
    try (StepTeam team = StepTeam.start(2)) {
      int last = team.count() - 1;
      assertThatThrownBy(
              () ->
                  team.run(
                      index -> {
                        team.barrier();
                        if (index == last) {
                          throw new IllegalArgumentException("broken");
                        }
                        team.barrier();
                      }))
          .satisfiesAnyOf(
              e -> assertThat(e).hasMessage("broken"),
              e -> assertThat(e).hasRootCauseMessage("broken"));
      assertThatThrownBy(() -> team.run(index -> {}))
          .isInstanceOf(IllegalStateException.class)
          .hasRootCauseMessage("broken");
    }
  }

  @Test
  void helpersGoBackToOtherTeams() {
    int first = countOf(2);
    for (int i = 0; i < 50; i++) {
      assertThat(countOf(2)).isEqualTo(first);
    }
  }

  private static int countOf(int atMost) {
    try (StepTeam team = StepTeam.start(atMost)) {
      team.run(index -> {});
      return team.count();
    }
  }
}
