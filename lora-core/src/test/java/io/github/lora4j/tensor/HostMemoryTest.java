package io.github.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class HostMemoryTest {

  @Test
  void aBufferIsTheTensorsOwnMemory() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor tensor = Tensor.of(new long[] {1, 2, 3, 4}, 2, 2);
      HostMemory memory = HostMemory.of(tensor);
      assertThat(memory.size()).isEqualTo(32);
      ByteBuffer buffer = memory.buffer(8, 16);
      assertThat(buffer.position()).isZero();
      assertThat(buffer.remaining()).isEqualTo(16);
      assertThat(buffer.getLong(0)).isEqualTo(2);
      buffer.putLong(8, 30);
      assertThat(tensor.toLongArray()).containsExactly(1, 2, 30, 4);
    }
  }

  @Test
  void nothingOutsideIsReached() {
    try (TensorScope scope = TensorScope.open()) {
      HostMemory memory = HostMemory.of(Tensor.of(new long[] {1, 2}, 2));
      for (long from : new long[] {-1, 9, Long.MAX_VALUE}) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> memory.buffer(from, 8))
            .withMessageContaining("[0, 16)");
      }
      assertThatIllegalArgumentException().isThrownBy(() -> memory.buffer(0, 0));
      assertThatIllegalArgumentException().isThrownBy(() -> memory.buffer(0, 17));
    }
  }

  @Test
  void gapsAreRefused() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor gaps = Tensor.of(new long[] {1, 2, 3, 4}, 2, 2).transpose(0, 1);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> HostMemory.of(gaps))
          .withMessageContaining("contiguous");
    }
  }
}
