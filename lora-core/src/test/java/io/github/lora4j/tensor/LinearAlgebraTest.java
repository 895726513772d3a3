package io.github.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LinearAlgebraTest {

  private static final Offset<Double> CLOSE = within(1e-5);

  private TensorScope scope;
  private Generator generator;

  @BeforeEach
  void open() {
    scope = TensorScope.open();
    generator = Generator.of(3);
  }

  @AfterEach
  void close() {
    generator.close();
    scope.close();
  }

  private static double distance(Tensor a, Tensor b) {
    return a.add(b, -1).abs().max().item();
  }

  private static Tensor product(LinearAlgebra.Svd parts) {
    return parts.u().mul(parts.s()).matmul(parts.vh());
  }

  private static Tensor identity(int n) {
    float[] ones = new float[n * n];
    for (int i = 0; i < n; i++) {
      ones[i * n + i] = 1;
    }
    return Tensor.of(ones, n, n);
  }

  @ParameterizedTest
  @CsvSource({"7, 4", "4, 7", "5, 5"})
  void theSingularValuesAndVectorsGiveTheMatrixBack(int m, int n) {
    Tensor a = Tensor.normal(0, 1, generator, m, n);
    LinearAlgebra.Svd parts = LinearAlgebra.svd(a);
    assertThat(distance(product(parts), a)).isCloseTo(0, CLOSE);
    assertThat(parts.s().toFloatArray()).isSortedAccordingTo((x, y) -> Float.compare(y, x));
    assertThat(distance(parts.vh().matmul(parts.vh().transpose(0, 1)), identity(Math.min(m, n))))
        .isCloseTo(0, CLOSE);
  }

  @ParameterizedTest
  @CsvSource({"7, 4", "4, 7"})
  void orthogonalTimesTriangularGivesTheMatrixBack(int m, int n) {
    Tensor a = Tensor.normal(0, 1, generator, m, n);
    LinearAlgebra.Qr parts = LinearAlgebra.qr(a);
    assertThat(distance(parts.q().matmul(parts.r()), a)).isCloseTo(0, CLOSE);
    int k = Math.min(m, n);
    assertThat(distance(parts.q().transpose(0, 1).matmul(parts.q()), identity(k)))
        .isCloseTo(0, CLOSE);
    assertThat(parts.r().select(0, 1).narrow(0, 0, 1).item()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"12, 9, F32", "9, 12, F32", "12, 9, F64"})
  void subspaceIterationsFindAMatrixOfLowRank(int m, int n, DType dtype) {
    Tensor left = Tensor.normal(0, 1, generator, m, 3);
    Tensor a = left.matmul(Tensor.normal(0, 1, generator, 3, n)).to(dtype);
    LinearAlgebra.Svd parts = LinearAlgebra.svdLowRank(a, 3, 2, generator);
    assertThat(parts.u().dtype()).isEqualTo(dtype);
    assertThat(parts.u().shape()).containsExactly(m, 3);
    assertThat(parts.vh().shape()).containsExactly(3, n);
    assertThat(distance(product(parts), a)).isCloseTo(0, CLOSE);
  }

  @Test
  void aLargerRankThanTheMatrixHasIsCut() {
    Tensor a = Tensor.normal(0, 1, generator, 4, 6);
    LinearAlgebra.Svd parts = LinearAlgebra.svdLowRank(a, 10, 1, generator);
    assertThat(parts.s().numel()).isEqualTo(4);
    assertThat(distance(product(parts.first(4)), a)).isCloseTo(0, CLOSE);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LinearAlgebra.svdLowRank(a, 0, 1, generator))
        .withMessageContaining("rank");
  }

  @Test
  void lengthsAlongADimension() {
    Tensor a = Tensor.of(new float[] {3, 4, 0, 5}, 2, 2);
    assertThat(LinearAlgebra.norm(a, 1).toFloatArray()).containsExactly(5, 5);
    assertThat(LinearAlgebra.norm(a, 0).toDoubleArray())
        .containsExactly(new double[] {3, Math.sqrt(41)}, within(1e-6));
  }

  @Test
  void theLargestElementsQuantilesSignsAndBounds() {
    Tensor a = Tensor.of(new float[] {-2, 0, 5, 1, 3}, 5);
    assertThat(a.topkIndices(2).toLongArray()).containsExactly(2, 4);
    assertThat(a.topkIndices(0).toLongArray()).isEmpty();
    assertThat(a.quantile(0.5).item()).isEqualTo(1);
    assertThat(a.quantile(0.875).item()).isEqualTo(4);
    assertThat(a.sign().toFloatArray()).containsExactly(-1, 0, 1, 1, 1);
    assertThat(a.clamp(-1, 2).toFloatArray()).containsExactly(-1, 0, 2, 1, 2);
    assertThat(a.ge(1).to(DType.F32).toFloatArray()).containsExactly(0, 0, 1, 1, 1);
    assertThat(a.div(Tensor.full(2, DType.F32, Device.CPU)).toFloatArray())
        .containsExactly(-1, 0, 2.5f, 0.5f, 1.5f);
  }
}
