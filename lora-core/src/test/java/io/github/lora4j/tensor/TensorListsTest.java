package io.github.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.tensor.TensorLists.AdamWConstants;
import io.github.lora4j.tensor.TensorLists.AdamWEntry;
import java.util.List;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TensorListsTest {

  private TensorScope scope;

  @BeforeEach
  void open() {
    scope = TensorScope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor two(float a, float b) {
    return Tensor.of(new float[] {a, b}, 2);
  }

  @Test
  void theNormIsOfAllTensorsTogetherWhateverTheirTypes() {
    Tensor a = two(1, 2);
    Tensor b = Tensor.of(new float[] {4, -6, 0, 8}, 2, 2).transpose(0, 1);
    Tensor none = Tensor.empty(DType.F32, Device.CPU, 0);

    assertThat(TensorLists.norm(List.of(a, b, none)).item()).isCloseTo(11, within(1e-6));
    Tensor half = TensorLists.norm(List.of(a, b.to(DType.BF16)));
    assertThat(half.item()).isCloseTo(11, within(1e-6));
    assertThat(half.dtype()).isEqualTo(DType.F32);
    Tensor wide = TensorLists.norm(List.of(a, b.to(DType.F64)));
    assertThat(wide.item()).isCloseTo(11, within(1e-12));
    assertThat(wide.dtype()).isEqualTo(DType.F64);
  }

  @Test
  void theNormOfManyHalfPrecisionNumbersIsSummedInSinglePrecision() {
    Tensor ones = Tensor.full(1, DType.BF16, Device.CPU, 10_000);
    assertThat(TensorLists.norm(List.of(ones)).item()).isCloseTo(100, within(1e-4));
  }

  @Test
  void aNormThatIsNotFiniteSaysSo() {
    assertThat(TensorLists.norm(List.of(two(1, Float.NaN), two(1, 1))).item()).isNaN();
    assertThat(TensorLists.norm(List.of(two(1, 1), two(Float.NEGATIVE_INFINITY, 1))).item())
        .isInfinite();
  }

  @Test
  void multipliesEachTensorWhereItStands() {
    Tensor a = two(1, 2);
    Tensor b = Tensor.of(new float[] {4, -6, 0, 8}, 2, 2);
    Tensor half = b.to(DType.BF16);

    TensorLists.mulInPlace(List.of(a, b.transpose(0, 1), half), 0.5);

    assertThat(a.toFloatArray()).containsExactly(0.5f, 1);
    assertThat(b.toFloatArray()).containsExactly(2, -3, 0, 4);
    assertThat(half.toFloatArray()).containsExactly(2, -3, 0, 4);
    assertThat(half.dtype()).isEqualTo(DType.BF16);
  }

  @Test
  void nothingIsNoList() {
    AdamWConstants constants = new AdamWConstants(1, 0.1, 0.9, 0.999, 1e-8, 0);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TensorLists.norm(List.of()))
        .withMessageContaining("at least one");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TensorLists.mulInPlace(List.of(), 2))
        .withMessageContaining("at least one");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TensorLists.adamW(List.of(), constants))
        .withMessageContaining("at least one");
  }

  @Test
  void whatTheKernelWouldMisreadIsRefused() {
    Tensor good = Tensor.zeros(DType.F32, Device.CPU, 2, 3);
    Tensor half = good.to(DType.BF16);
    Tensor columns = Tensor.zeros(DType.F32, Device.CPU, 3, 2).transpose(0, 1);
    Tensor small = two(0, 0);

    assertThat(TensorLists.adamWTakes(good)).isTrue();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new AdamWEntry(half, good, good, good))
        .withMessageContaining("weight: expected 6 contiguous numbers of F32, found 6 of BF16");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new AdamWEntry(good, columns, good, good))
        .withMessageContaining("gradient: expected 6")
        .withMessageContaining("not contiguous");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new AdamWEntry(good, good, small, good))
        .withMessageContaining("firstMoment: expected 6");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new AdamWEntry(good, good, good, half))
        .withMessageContaining("secondMoment: expected 6");
  }

  @Test
  void anUpdateLeavesTheNumberOfThreadsAsItWas() {
    Tensor weight = two(1, 2);
    int threads = torch.get_num_threads();

    TensorLists.adamW(
        List.of(new AdamWEntry(weight, two(1, 1), two(0, 0), two(0, 0))),
        new AdamWConstants(1, 0.1, 0.9, 0.999, 1e-8, 0));

    assertThat(weight.toFloatArray()).containsExactly(new float[] {0.9f, 1.9f}, within(1e-6f));
    assertThat(torch.get_num_threads()).isEqualTo(threads);
  }

  @Test
  void aCallThatFailsLeavesNothingBehind() {
    Tensor numbers = Tensor.of(new long[] {1, 2}, 2);
    List<Tensor> closed = List.of(two(1, 2), two(3, 4));
    closed.get(1).close();
    long before = NativeMemory.liveHandles();

    assertThatThrownBy(() -> TensorLists.norm(List.of(numbers)))
        .isInstanceOf(RuntimeException.class);
    assertThatThrownBy(() -> TensorLists.mulInPlace(closed, 2))
        .isInstanceOf(IllegalStateException.class);

    assertThat(NativeMemory.liveHandles()).isLessThanOrEqualTo(before);
  }
}
