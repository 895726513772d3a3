package io.github.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TapeTest {

  private static Tensor row(float... values) {
    return Tensor.of(values, 1, values.length);
  }

  /** {@code factor * x}, with a gradient that nothing but the tape knows. */
  private static Tensor times(Tensor x, double factor) {
    try (CustomFunction call = CustomFunction.of(x)) {
      return call.returns(x.mul(factor), (dy, inputs) -> inputs.add(0, dy.mul(factor)));
    }
  }

  private static Tensor sum(Tensor a, Tensor b) {
    try (CustomFunction call = CustomFunction.of(a, b)) {
      return call.returns(
          a.add(b),
          (dy, inputs) -> {
            inputs.pass(0, dy);
            inputs.pass(1, dy);
          });
    }
  }

  private static float[] grad(Tensor leaf) {
    return leaf.grad().orElseThrow().toFloatArray();
  }

  @Test
  void functionsAndRecordedOperationsMixInAnyOrder() {
    try (TensorScope scope = TensorScope.open();
        Tape tape = Tape.open()) {
      Tensor x = row(1, 2, 3).requiresGrad(true);
      Tensor w = Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3).requiresGrad(true);
      Tensor y = times(Functional.linear(times(x.mul(10), 2), w).mul(3), 5);
      tape.backward(y, row(1, -1));
      // dy/dx = 10 * 2 * 3 * 5 * Wᵀ (1, -1)
      assertThat(grad(x)).containsExactly(-900, -900, -900);
      assertThat(grad(w)).containsExactly(300, 600, 900, -300, -600, -900);
    }
  }

  @Test
  void aTensorUsedTwiceGetsTheSumOfItsGradients() {
    try (TensorScope scope = TensorScope.open();
        Tape tape = Tape.open()) {
      Tensor x = row(1, 2).requiresGrad(true);
      Tensor h = times(x, 2);
      Tensor y = sum(sum(h, times(h, 3)), h.mul(7));
      tape.backward(y, row(1, 10));
      assertThat(grad(x)).containsExactly(22, 220);
    }
  }

  @Test
  void gradientsThatArePassedOnAreNotSharedBetweenLeaves() {
    Tensor gradient = row(1, 1);
    try (TensorScope scope = TensorScope.open()) {
      Tensor a = row(0, 0).requiresGrad(true);
      Tensor b = row(0, 0).requiresGrad(true);
      for (int step = 1; step <= 2; step++) {
        try (Tape tape = Tape.open()) {
          tape.backward(sum(a, b), gradient);
        }
        assertThat(grad(a)).containsExactly(step, step);
        assertThat(grad(b)).containsExactly(step, step);
      }
      assertThat(gradient.toFloatArray()).containsExactly(1, 1);
    }
  }

  @Test
  void productsAreAddedToWhatIsThere() {
    try (TensorScope scope = TensorScope.open();
        Tape tape = Tape.open()) {
      Tensor x = row(1, 2).requiresGrad(true);
      Tensor weight = Tensor.of(new float[] {1, 2, 3, 4}, 2, 2);
      Tensor h = times(x, 1);
      Tensor y;
      try (CustomFunction call = CustomFunction.of(h)) {
        y =
            call.returns(
                Functional.linear(h, weight),
                (dy, inputs) -> {
                  inputs.addProduct(0, dy, weight);
                  inputs.addProduct(0, dy, weight);
                  inputs.add(0, row(100, 100));
                });
      }
      tape.backward(y, row(1, 1));
      assertThat(grad(x)).containsExactly(108, 112);
    }
  }

  @Test
  void whatNobodyUsesCostsNothingAndWhatNeedsNoGradientGetsNone() {
    try (TensorScope scope = TensorScope.open();
        Tape tape = Tape.open()) {
      Tensor frozen = row(5, 5);
      Tensor x = row(1, 2).requiresGrad(true);
      Tensor unused = times(x, 1e9);
      assertThat(times(frozen, 2).requiresGrad()).isFalse();
      tape.backward(sum(times(x, 2), frozen), row(1, 1));
      assertThat(grad(x)).containsExactly(2, 2);
      assertThat(frozen.grad()).isEmpty();
      assertThat(unused.requiresGrad()).isTrue();
    }
  }

  @Test
  void withoutATapeSuchAFunctionIsRefusedWhereGradientsAreWanted() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor x = row(1).requiresGrad(true);
      assertThat(CustomFunction.available()).isFalse();
      assertThatThrownBy(() -> times(x, 2))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no Tape is open");
      try (NoGrad noGrad = NoGrad.open()) {
        assertThat(CustomFunction.available()).isTrue();
        assertThat(times(x, 2).toFloatArray()).containsExactly(2);
        try (Plain plain = Plain.open()) {
          assertThat(CustomFunction.available()).isFalse();
        }
      }
    }
  }

  @Test
  void aTapeServesOnce() {
    try (TensorScope scope = TensorScope.open();
        Tape tape = Tape.open()) {
      Tensor x = row(1).requiresGrad(true);
      Tensor y = times(x, 2);
      tape.backward(y, row(1));
      assertThatThrownBy(() -> tape.backward(y, row(1))).hasMessageContaining("closed");
    }
  }

  @Test
  void nothingOutlivesItsTape() {
    long before = NativeMemory.liveHandles();
    for (int round = 0; round < 200; round++) {
      try (TensorScope scope = TensorScope.open();
          Tape tape = Tape.open()) {
        Tensor x = row(1, 2).requiresGrad(true);
        Tensor y = sum(times(x, 2), x.mul(3));
        if (round % 2 == 0) { // the other half is given up before its way back
          tape.backward(y, row(1, 1));
        }
      }
    }
    // References that own nothing wait for the garbage collector.
    System.gc();
    assertThat(NativeMemory.liveHandles()).isLessThan(before + 100);
  }
}
