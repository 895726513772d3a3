package io.github.lora4j.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.tensor.NativeMemory;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures native memory every few steps of a long run and judges whether it went on growing.
 *
 * <p>The JVM's compiler and heap take and give back tens of megabytes at any time, so no two
 * measurements can be compared. But these are a few jumps in a line that is flat otherwise, while a
 * leak grows in every interval: what is judged is the median of the growths.
 */
public final class FlatMemory {

  /** Less than what a tensor needs beside its numbers. */
  private static final long ALLOCATED_A_STEP = 500;

  /** Pages come by the piece, and late. */
  private static final long RESIDENT_A_STEP = 4096;

  private static final int FEWEST = 40;

  private final int every;
  private final List<Long> handles = new ArrayList<>();
  private final List<Long> allocated = new ArrayList<>();
  private final List<Long> resident = new ArrayList<>();

  /** A run that is measured after each so many steps. */
  public FlatMemory(int every) {
    this.every = every;
  }

  /** Takes a measurement if the step is one for it; the garbage of earlier steps is collected. */
  public void afterStep(long step) {
    if (step % every != 0) {
      return;
    }
    System.gc();
    handles.add(NativeMemory.liveHandles());
    resident.add(NativeMemory.residentBytes());
    NativeMemory.allocatedBytes().ifPresent(allocated::add);
  }

  /** Fails if the second half of the run went on taking memory; the first warms up. */
  public void assertFlat() {
    assertThat(handles).hasSizeGreaterThanOrEqualTo(FEWEST);
    assertThat(handles.get(handles.size() - 1))
        .as("native objects %s", handles)
        .isLessThanOrEqualTo(handles.get(handles.size() / 2) + 20);
    assertThat(growth(resident))
        .as("resident bytes %s", resident)
        .isLessThan(RESIDENT_A_STEP * every);
    if (!allocated.isEmpty()) {
      assertThat(growth(allocated))
          .as("allocated bytes %s", allocated)
          .isLessThan(ALLOCATED_A_STEP * every);
    }
  }

  /** The median growth from one measurement of the second half to the next. */
  private static long growth(List<Long> measured) {
    List<Long> growths = new ArrayList<>();
    for (int i = measured.size() / 2; i + 1 < measured.size(); i++) {
      growths.add(measured.get(i + 1) - measured.get(i));
    }
    growths.sort(null);
    return growths.get(growths.size() / 2);
  }
}
