package io.github.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.lora4j.error.DeviceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorTest {

  private TensorScope scope;

  @BeforeEach
  void open() {
    scope = TensorScope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  @Test
  void keepsValuesShapeAndDtype() {
    Tensor t = Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
    assertThat(t.shape()).containsExactly(2, 3);
    assertThat(t.size(-1)).isEqualTo(3);
    assertThat(t.numel()).isEqualTo(6);
    assertThat(t.dtype()).isEqualTo(DType.F32);
    assertThat(t.device()).isEqualTo(Device.CPU);
    assertThat(t.toFloatArray()).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(t.transpose(0, 1).toFloatArray()).containsExactly(1, 4, 2, 5, 3, 6);
    assertThat(t).hasToString("F32[2, 3] on cpu");
  }

  @Test
  void emptyTensorsAndScalarsWork() {
    assertThat(Tensor.of(new float[0], 0, 3).toFloatArray()).isEmpty();
    assertThat(Tensor.of(new float[] {7}).item()).isEqualTo(7);
    assertThat(Tensor.of(new float[] {7}).shape()).isEmpty();
  }

  @Test
  void aShapeThatDoesNotFitTheValuesIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tensor.of(new float[5], 2, 3))
        .withMessageContaining("5 elements")
        .withMessageContaining("[2, 3]");
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void convertsToEveryDtypeAndBack(DType dtype) {
    Tensor t = Tensor.of(new float[] {0, 1, 1, 0}, 4).to(dtype);
    assertThat(t.dtype()).isEqualTo(dtype);
    assertThat(t.toFloatArray()).containsExactly(0, 1, 1, 0);
    byte[] raw = new byte[4 * dtype.byteSize()];
    t.copyBytesTo(0, raw, raw.length);
    assertThat(Tensor.ofBytes(raw, raw.length).viewAs(dtype).equal(t)).isTrue();
    assertThat(DType.byName(dtype.torchName())).contains(dtype);
    assertThat(DType.byName("torch." + dtype.torchName())).contains(dtype);
    assertThat(DType.byName(dtype.name())).contains(dtype);
  }

  @Test
  void computesGradients() {
    Tensor x = Tensor.of(new float[] {1, 2, 3}, 3).requiresGrad(true);
    assertThat(x.grad()).isEmpty();
    Functional.backward(x.square().sum());
    assertThat(x.grad().orElseThrow().toFloatArray()).containsExactly(2, 4, 6);
    Functional.backward(x.mul(2), Tensor.of(new float[] {1, 0, 1}, 3));
    assertThat(x.grad().orElseThrow().toFloatArray()).containsExactly(4, 4, 8);
    x.clearGrad();
    assertThat(x.grad()).isEmpty();
  }

  @Test
  void aGradientOutlivesTheTensorThatCollectedIt() {
    Tensor x = Tensor.of(new float[] {1, 2}, 2).requiresGrad(true);
    Functional.backward(x.square().sum());
    Tensor gradient = x.grad().orElseThrow();
    x.close();
    assertThat(gradient.toFloatArray()).containsExactly(2, 4);
  }

  @Test
  void nothingIsRecordedInsideNoGrad() {
    Tensor x = Tensor.of(new float[] {1}, 1).requiresGrad(true);
    try (NoGrad off = NoGrad.open()) {
      assertThat(x.mul(2).requiresGrad()).isFalse();
      try (NoGrad on = NoGrad.enableGrad()) {
        assertThat(x.mul(2).requiresGrad()).isTrue();
      }
      assertThat(NoGrad.gradEnabled()).isFalse();
    }
    assertThat(x.mul(2).requiresGrad()).isTrue();
  }

  @Test
  void inPlaceOperationsChangeTheTensorThatTheyReturn() {
    Tensor x = Tensor.of(new float[] {1, 2}, 2);
    Tensor y = Tensor.of(new float[] {3, 4}, 2);
    assertThat(x.addInPlace(y, 2)).isSameAs(x);
    assertThat(x.toFloatArray()).containsExactly(7, 10);
    assertThat(x.mulInPlace(2).addInPlace(1).toFloatArray()).containsExactly(15, 21);
    assertThat(x.copyInPlace(y).mulInPlace(y).toFloatArray()).containsExactly(9, 16);
    assertThat(x.fillInPlace(1).addcmulInPlace(y, y, 2).toFloatArray()).containsExactly(19, 33);
  }

  @Test
  void autocastComputesProductsInLowerPrecisionUntilItIsClosed() {
    Tensor x = Tensor.of(new float[] {1, 2}, 1, 2);
    Tensor w = Tensor.of(new float[] {3, 4}, 1, 2);
    try (Autocast outer = Autocast.open(Device.CPU, DType.BF16);
        Autocast inner = Autocast.open(Device.CPU, DType.F16)) {
      assertThat(Functional.linear(x, w).dtype()).isEqualTo(DType.F16);
      inner.close();
      assertThat(Functional.linear(x, w).dtype()).isEqualTo(DType.BF16);
    }
    assertThat(Functional.linear(x, w).dtype()).isEqualTo(DType.F32);
  }

  @Test
  void generatorsRepeatThemselvesBySeedAndByState() {
    try (Generator first = Generator.of(3);
        Generator second = Generator.of(3)) {
      float[] one = Tensor.normal(0, 1, first, 5).toFloatArray();
      assertThat(Tensor.normal(0, 1, second, 5).toFloatArray()).containsExactly(one);
      byte[] state = first.state();
      float[] next = Tensor.uniform(0, 1, first, 5).toFloatArray();
      first.restore(state);
      assertThat(Tensor.uniform(0, 1, first, 5).toFloatArray()).containsExactly(next);
    }
  }

  @Test
  void dropoutKeepsTheMeanAndZeroesItsShare() {
    try (Generator generator = Generator.of(1)) {
      Tensor ones = Tensor.full(1, DType.F32, Device.CPU, 100, 100);
      Tensor dropped = Functional.dropout(ones, 0.25, generator);
      assertThat(dropped.mean().item()).isCloseTo(1, within(0.03));
      assertThat(dropped.eq(Tensor.of(new float[] {0}, 1)).to(DType.F32).mean().item())
          .isCloseTo(0.25, within(0.02));
      assertThat(Functional.dropout(ones, 1, generator).sum().item()).isZero();
      assertThat(Functional.dropout(ones, 0, generator)).isSameAs(ones);
    }
  }

  @Test
  void joinsAndPicksSlices() {
    Tensor a = Tensor.of(new float[] {1, 2}, 1, 2);
    Tensor b = Tensor.of(new float[] {3, 4}, 1, 2);
    Tensor both = Tensor.cat(List.of(a, b), 0);
    assertThat(both.toFloatArray()).containsExactly(1, 2, 3, 4);
    assertThat(both.indexSelect(0, Tensor.of(new long[] {1, 1}, 2)).toFloatArray())
        .containsExactly(3, 4, 3, 4);
    assertThat(both.narrow(1, 1, 1).toFloatArray()).containsExactly(2, 4);
    assertThat(both.argmax(1).toLongArray()).containsExactly(1, 1);
  }

  @Test
  void aMappedFileReadsItsBytesAndIsNeverWritten(@TempDir Path dir) throws IOException {
    Path file = Files.write(dir.resolve("bytes"), new byte[] {1, 2, 3, 4});
    Tensor mapped = Tensor.mapFile(file, 4);
    assertThat(mapped.to(DType.I64).toLongArray()).containsExactly(1, 2, 3, 4);
    mapped.fillInPlace(9);
    assertThat(Files.readAllBytes(file)).containsExactly(1, 2, 3, 4);
  }

  @Test
  void useAfterCloseIsAnErrorAndClosingTwiceIsNot() {
    Tensor t = Tensor.of(new float[] {1}, 1);
    Tensor alias = t.alias();
    t.close();
    t.close();
    assertThat(t.isClosed()).isTrue();
    assertThat(t).hasToString("closed tensor");
    assertThatIllegalStateException().isThrownBy(t::numel).withMessageContaining("closed");
    assertThat(alias.item()).isEqualTo(1);
  }

  @Test
  void aGpuThatIsNotThereGivesTheDependencyToAdd() {
    assumeTrue(Device.auto().equals(Device.CPU), "this machine has a GPU");
    assertThat(catchThrowable(() -> Device.cuda(0)))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("linux-x86_64-gpu");
  }
}
