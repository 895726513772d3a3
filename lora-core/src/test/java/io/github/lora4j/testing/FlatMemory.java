package io.github.lora4j.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;

/** Judges measurements of native memory that were taken at equal intervals of a long run. */
public final class FlatMemory {

  /**
   * Pages that the garbage collector and the allocator touch late; far less than a leak of one
   * tensor a step.
   */
  private static final long SLACK = 6_000_000;

  private FlatMemory() {}

  /**
   * Fails if the second half of the run went on taking memory. The first half warms up the JVM,
   * whose own heap is part of the resident memory and moves it up and down: so the lowest of the
   * last quarter is compared with the lowest of the one before. A leak only goes up.
   *
   * @param handles native objects held
   * @param resident resident bytes
   */
  public static void assertFlat(List<Long> handles, List<Long> resident) {
    int half = handles.size() / 2;
    int last = handles.size() - 1;
    assertThat(handles.get(last))
        .as("handles %s", handles)
        .isLessThanOrEqualTo(handles.get(half) + 20);
    int lastQuarter = (half + resident.size()) / 2;
    assertThat(Collections.min(resident.subList(lastQuarter, resident.size())))
        .as("resident %s", resident)
        .isLessThan(Collections.min(resident.subList(half, lastQuarter)) + SLACK);
  }
}
