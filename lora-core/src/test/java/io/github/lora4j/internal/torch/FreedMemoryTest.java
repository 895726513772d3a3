package io.github.lora4j.internal.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, disabledReason = "what is kept is glibc's")
class FreedMemoryTest {

  private static final long MEGABYTE = 1 << 20;

  @Test
  void freedMemoryStaysForTheNextTensorUntilItIsReleased() {
    NativeMemory.release();
    Tensor large = Tensor.full(1, DType.F32, Device.CPU, 40 * MEGABYTE / Float.BYTES);
    long inUse = NativeMemory.residentBytes();
    large.close();
    assertThat(NativeMemory.residentBytes()).isGreaterThan(inUse - 10 * MEGABYTE);
    NativeMemory.release();
    assertThat(NativeMemory.residentBytes()).isLessThan(inUse - 30 * MEGABYTE);
  }
}
