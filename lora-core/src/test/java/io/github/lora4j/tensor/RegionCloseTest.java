package io.github.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.nn.ForwardContext;
import org.junit.jupiter.api.Test;

/** Closing a region twice is harmless, whatever has happened between. */
class RegionCloseTest {

  @Test
  void aSecondCloseOfNoGradDoesNotUndoALaterOne() {
    NoGrad first = NoGrad.open();
    first.close();
    try (NoGrad second = NoGrad.open()) {
      first.close();
      assertThat(NoGrad.gradEnabled()).isFalse();
    }
    assertThat(NoGrad.gradEnabled()).isTrue();
  }

  @Test
  void aSecondCloseOfAutocastingDoesNotUndoALaterOne() {
    Tensor square = Tensor.zeros(DType.F32, Device.CPU, 2, 2);
    try (TensorScope scope = TensorScope.open()) {
      ForwardContext context = ForwardContext.eval().autocast(DType.BF16);
      ForwardContext.Region first = context.enter(Device.CPU);
      first.close();
      try (ForwardContext.Region second = context.enter(Device.CPU)) {
        first.close();
        assertThat(Functional.linear(square, square).dtype()).isEqualTo(DType.BF16);
      }
      assertThat(Functional.linear(square, square).dtype()).isEqualTo(DType.F32);
    }
    square.close();
  }
}
