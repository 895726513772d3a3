package io.github.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TensorScopeTest {

  private static Tensor one() {
    return Tensor.of(new float[] {1}, 1);
  }

  @Test
  void freesWhatWasMadeInsideIt() {
    Tensor inside;
    Tensor derived;
    try (TensorScope scope = TensorScope.open()) {
      inside = one();
      derived = inside.mul(2);
    }
    assertThat(inside.isClosed()).isTrue();
    assertThat(derived.isClosed()).isTrue();
  }

  @Test
  void handsOverToTheScopeAroundIt() {
    Tensor handed;
    try (TensorScope outer = TensorScope.open()) {
      try (TensorScope inner = TensorScope.open()) {
        handed = inner.handOver(one());
      }
      assertThat(handed.isClosed()).isFalse();
    }
    assertThat(handed.isClosed()).isTrue();
  }

  @Test
  void whatIsKeptBelongsToNoScope() {
    Tensor kept;
    try (TensorScope scope = TensorScope.open()) {
      kept = TensorScope.keep(one());
    }
    assertThat(kept.item()).isEqualTo(1);
    kept.close();
  }

  @Test
  void whatAnotherScopeOwnsIsNotHandedOver() {
    try (TensorScope outer = TensorScope.open()) {
      Tensor outers = one();
      try (TensorScope inner = TensorScope.open()) {
        assertThat(inner.handOver(outers)).isSameAs(outers);
      }
      assertThat(outers.isClosed()).isFalse();
    }
  }

  @Test
  void scopesCloseInnermostFirstAndOnTheirThread() throws InterruptedException {
    TensorScope outer = TensorScope.open();
    TensorScope inner = TensorScope.open();
    assertThatIllegalStateException().isThrownBy(outer::close).withMessageContaining("innermost");
    List<Throwable> thrown = new ArrayList<>();
    Thread other = new Thread(inner::close);
    other.setUncaughtExceptionHandler((thread, e) -> thrown.add(e));
    other.start();
    other.join();
    assertThat(thrown).singleElement().isInstanceOf(IllegalStateException.class);
    inner.close();
    inner.close();
    outer.close();
    assertThatIllegalStateException().isThrownBy(() -> outer.handOver(one()));
  }

  @Test
  void anotherThreadsTensorsAreItsOwn() throws InterruptedException {
    List<Tensor> made = new ArrayList<>();
    try (TensorScope scope = TensorScope.open()) {
      Thread other = new Thread(() -> made.add(one()));
      other.start();
      other.join();
    }
    assertThat(made.get(0).isClosed()).isFalse();
    made.get(0).close();
  }

  @Test
  void aLongLivedScopeDoesNotHoldOnToWhatWasClosedByHand() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor survivor = one();
      for (int i = 0; i < 20_000; i++) {
        one().close();
      }
      assertThat(scope.size()).isLessThan(5_000);
      assertThat(survivor.isClosed()).isFalse();
    }
  }

  @Test
  void handlesAreGivenBack() {
    one().close();
    long before = NativeMemory.liveHandles();
    for (int i = 0; i < 100; i++) {
      try (TensorScope scope = TensorScope.open()) {
        one().mul(2).add(one()).square().sum().item();
      }
    }
    assertThat(NativeMemory.liveHandles() - before).isLessThan(20);
  }
}
