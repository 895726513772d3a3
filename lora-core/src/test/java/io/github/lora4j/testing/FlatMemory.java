package io.github.lora4j.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

/** Judges measurements of native memory that were taken at equal intervals of a long run. */
public final class FlatMemory {

  /**
   * Pages that the garbage collector and the allocator touch late; far less than a leak of one
   * tensor a step.
   */
  private static final long SLACK = 12_000_000;

  private FlatMemory() {}

  /**
   * Fails if the second half of the run went on taking memory. The first half warms up the JVM,
   * whose own heap is part of the resident memory.
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
    assertThat(resident.get(last))
        .as("resident %s", resident)
        .isLessThan(resident.get(half) + SLACK);
  }
}
