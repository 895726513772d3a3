package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PeakMemoryTest {

  @Test
  void theKernelsHighWaterMarkIsRead() {
    String status = "Name:\tjava\nVmPeak:\t  999 kB\nVmHWM:\t  123456 kB\nVmRSS:\t  1 kB\n";

    assertThat(PeakMemory.fromStatus(status)).contains(new PeakMemory(123456L * 1024, true));
    assertThat(PeakMemory.fromStatus("Name:\tjava\n")).isEmpty();
  }

  @Test
  void thePeakNeverFalls() {
    long before = PeakMemory.read().bytes();
    byte[] more = new byte[8 << 20];
    java.util.Arrays.fill(more, (byte) 1);

    assertThat(PeakMemory.read().bytes()).isGreaterThanOrEqualTo(before).isGreaterThan(10_000_000);
    assertThat(more[more.length - 1]).isEqualTo((byte) 1);
  }

  @Test
  void withoutAKernelThatCountsTheJvmsPoolsAreAllThereIs() {
    PeakMemory peak = PeakMemory.ofJvmPools();

    assertThat(peak.complete()).isFalse();
    assertThat(peak.megabytes()).isBetween(1.0, 100_000.0);
  }
}
