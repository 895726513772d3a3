package io.github.lora4j.internal.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, disabledReason = "what is kept is glibc's")
class FreedMemoryTest {

  private static final long MEGABYTE = 1 << 20;

  @Test
  void freedMemoryStaysForTheNextTensorUntilItIsReleased() {
    NativeMemory.release();
    List<Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      tensors.add(Tensor.zeros(DType.U8, Device.CPU, 2 * MEGABYTE)); // not one of our own blocks
      tensors.get(i).fillInPlace(1);
    }
    long inUse = NativeMemory.residentBytes();
    for (int i = 0; i < 40; i += 2) {
      tensors.get(i).close();
    }
    assertThat(NativeMemory.residentBytes()).isGreaterThan(inUse - 10 * MEGABYTE);
    NativeMemory.release();
    assertThat(NativeMemory.residentBytes()).isLessThan(inUse - 30 * MEGABYTE);
    tensors.forEach(Tensor::close);
  }
}
