package io.github.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
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
  void whatCanBeComputedAgainIsNotKeptAndReadersShareIt() {
    int[] computed = new int[1];
    List<Tensor> seen = new ArrayList<>();
    try (TensorScope scope = TensorScope.open();
        Tape tape = Tape.open()) {
      Tensor x = row(1, 2).requiresGrad(true);
      Tensor h;
      try (CustomFunction call = CustomFunction.of(x)) {
        Tensor kept = call.save(x);
        h =
            call.returns(
                x.mul(3),
                () -> {
                  computed[0]++;
                  return kept.mul(3);
                },
                (dy, inputs) -> inputs.add(0, dy.mul(3)));
      }
      Tensor y = sum(readAgain(h, seen), readAgain(h, seen));
      long others = h.handle().storage().use_count();
      tape.backward(y, row(1, 10));

      assertThat(others).isEqualTo(1); // h's own
      assertThat(computed[0]).isEqualTo(1);
      assertThat(seen).hasSize(2);
      assertThat(seen.get(0)).isSameAs(seen.get(1));
      assertThatThrownBy(() -> seen.get(0).item()).hasMessageContaining("closed");
      // of h² where h = 3x
      assertThat(grad(x)).containsExactly(2 * 3 * 3, 10 * 2 * 3 * 6);
    }
  }

  /** Half its square, whose gradient asks for the input on the way back. */
  private static Tensor readAgain(Tensor h, List<Tensor> seen) {
    try (CustomFunction call = CustomFunction.of(h)) {
      Supplier<Tensor> kept = call.saveInput(0);
      return call.returns(
          h.square().mul(0.5),
          (dy, inputs) -> {
            seen.add(kept.get());
            inputs.add(0, dy.mul(kept.get()));
          });
    }
  }

  @Test
  void anInputThatNobodyComputesAgainIsKept() {
    try (TensorScope scope = TensorScope.open();
        Tape tape = Tape.open()) {
      Tensor x = row(1, 2).requiresGrad(true);
      tape.backward(readAgain(times(x, 2), new ArrayList<>()), row(1, 1));
      assertThat(grad(x)).containsExactly(4, 8);
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
