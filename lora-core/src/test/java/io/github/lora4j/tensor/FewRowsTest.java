package io.github.lora4j.tensor;

import static io.github.lora4j.testing.Fixtures.relativeDifference;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FewRowsTest {

  @ParameterizedTest
  @CsvSource({"F32,1,1e-5", "F32,3,1e-5", "F32,5,1e-5", "BF16,1,1e-2", "BF16,2,1e-2"})
  void productsOfFewRowsAreThoseOfLinear(DType dtype, int rows, double tolerance) {
    try (TensorScope scope = TensorScope.open();
        Generator random = Generator.of(1)) {
      Tensor x = Tensor.normal(0, 1, random, rows, 1, 70).to(dtype);
      Tensor weight = Tensor.normal(0, 1, random, 33, 70).to(dtype);
      Tensor bias = Tensor.normal(0, 1, random, 33).to(dtype);
      Tensor expected = x.to(DType.F32).matmul(weight.to(DType.F32).transpose(0, 1));
      try (NoGrad noGrad = NoGrad.open()) {
        Tensor plain = Functional.linear(x, weight);
        assertThat(plain.shape()).containsExactly(rows, 1, 33);
        assertThat(plain.dtype()).isEqualTo(dtype);
        assertThat(relativeDifference(plain, expected)).isLessThan(tolerance);
        assertThat(relativeDifference(Functional.linear(x, weight, bias), expected.add(bias)))
            .isLessThan(tolerance);
      }
      // bfloat16's tolerance is the rounding of the result: 2^-8 of the largest number.
    }
  }
}
