package io.github.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import org.junit.jupiter.api.Test;

class NativeMemoryTest {

  @Test
  void allocatedBytesRiseAndFallWithATensor() {
    assumeThat(NativeMemory.allocatedBytes()).as("a C library that tells").isPresent();
    long size = 800_000_000; // nothing touches it; the JVM's own needs are small beside it
    long before = NativeMemory.allocatedBytes().getAsLong();
    try (TensorScope scope = TensorScope.open()) {
      Tensor held = Tensor.empty(DType.F32, Device.CPU, size / 4);
      assertThat(NativeMemory.allocatedBytes().getAsLong() - before)
          .as("with %s", held)
          .isBetween(size * 9 / 10, size * 11 / 10);
    }
    assertThat(NativeMemory.allocatedBytes().getAsLong() - before).isLessThan(size / 10);
  }
}
