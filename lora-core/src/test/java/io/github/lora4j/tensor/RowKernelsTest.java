package io.github.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RowKernelsTest {

  /** They lean on names inside libtorch: a new release that has others shall be noticed. */
  @Test
  void kernelsAreThereWhereTheProcessorHasWhatTheyNeed() throws IOException {
    Path cpu = Path.of("/proc/cpuinfo");
    assumeThat(Files.isReadable(cpu)).as("Linux").isTrue();
    assumeThat(Files.readString(cpu)).as("bfloat16 in the processor").contains("avx512_bf16");
    for (int rows = 1; rows <= RowKernels.MOST; rows++) {
      assertThat(RowKernels.of(DType.BF16, rows)).isPresent();
    }
    assertThat(RowKernels.of(DType.F32, 2)).isPresent();
    assertThat(RowKernels.of(DType.F16, 2)).isEmpty();
    assertThat(RowKernels.of(DType.BF16, RowKernels.MOST + 1)).isEmpty();
  }

  @Property(tries = 60)
  void productsAreThoseOfMatrices(
      @ForAll boolean half,
      @ForAll @IntRange(min = 1, max = 16) int rows,
      @ForAll @IntRange(min = 1, max = 150) int pairs,
      @ForAll @IntRange(min = 1, max = 300) int outputs,
      @ForAll long seed) {
    DType dtype = half ? DType.BF16 : DType.F32;
    assumeThat(RowKernels.of(dtype, rows)).isPresent();
    RowKernels kernels = RowKernels.of(dtype, rows).get();
    SplittableRandom random = new SplittableRandom(seed);
    int inputs = 2 * pairs;
    int from = random.nextInt(outputs);
    int to = from + random.nextInt(outputs - from) + 1;
    float[] x = numbers(random, rows * inputs);
    float[] w = numbers(random, outputs * inputs);
    float[] y = new float[rows * outputs];
    Arrays.fill(y, Float.NaN);
    try (TensorScope scope = TensorScope.open();
        RowInput in = kernels.input(inputs);
        RowSums sums = kernels.sums(outputs)) {
      Tensor weight = Tensor.of(w, outputs, inputs).to(dtype);
      try (RowProduct product = kernels.product(weight, from, to)) {
        in.pack(x);
        sums.clear();
        product.addTo(in, sums);
        product.addTo(in, sums);
        sums.copyTo(y, from, outputs, product.outputs());
      }
      float[] expected =
          Tensor.of(x, rows, inputs)
              .to(dtype)
              .to(DType.F32)
              .matmul(weight.to(DType.F32).transpose(0, 1))
              .mul(2)
              .toFloatArray();
      for (int row = 0; row < rows; row++) {
        int at = row * outputs;
        float[] mine = Arrays.copyOfRange(y, at + from, at + to);
        float[] theirs = Arrays.copyOfRange(expected, at + from, at + to);
        // Sums of bfloat16 numbers are float32 in blocks; a single row's are rounded once.
        assertClose(mine, theirs, half && rows == 1 ? 5e-3 : 1e-4);
        for (int i = 0; i < outputs; i++) {
          assertThat(Float.isNaN(y[at + i])).as("output %d", i).isEqualTo(i < from || i >= to);
        }
      }
    }
  }

  /** Beside 1, as large as a term may be: 600 of them may add up to nothing. */
  private static void assertClose(float[] mine, float[] theirs, double tolerance) {
    for (int i = 0; i < mine.length; i++) {
      assertThat((double) mine[i])
          .isCloseTo(theirs[i], within(tolerance * Math.max(1, Math.abs(theirs[i]))));
    }
  }

  @Test
  void aLongRowGoesThroughTheMatrixVectorKernel() {
    assumeThat(RowKernels.of(DType.BF16, 1)).isPresent();
    RowKernels kernels = RowKernels.of(DType.BF16, 1).get();
    float[] x = numbers(new SplittableRandom(1), 256);
    float[] y = new float[512];
    try (TensorScope scope = TensorScope.open();
        RowInput in = kernels.input(256);
        RowSums sums = kernels.sums(512)) {
      Tensor weight = Tensor.of(numbers(new SplittableRandom(2), 512 * 256), 512, 256);
      Tensor rounded = weight.to(DType.BF16);
      try (RowProduct product = kernels.product(rounded, 0, 512)) {
        assertThat(product).isInstanceOf(RowVectorProduct.class);
        in.pack(x);
        product.addTo(in, sums);
        sums.copyTo(y, 0, 512, 512);
      }
      float[] expected =
          rounded
              .to(DType.F32)
              .matmul(Tensor.of(x, 256, 1).to(DType.BF16).to(DType.F32))
              .toFloatArray();
      assertThat(Fixtures.relativeDifference(y, expected)).isLessThan(5e-3); // bfloat16's rounding
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F32"})
  void aWeightThatIsReadInSeveralStretchesGivesAllOutputs(DType dtype) {
    assumeThat(RowKernels.of(dtype, 3)).isPresent();
    RowKernels kernels = RowKernels.of(dtype, 3).get();
    int outputs = 1003; // the last stretch is a short one
    int inputs = 250;
    float[] y = new float[3 * outputs];
    try (TensorScope scope = TensorScope.open();
        RowInput in = kernels.input(inputs);
        RowSums sums = kernels.sums(outputs)) {
      Tensor x = Tensor.of(numbers(new SplittableRandom(1), 3 * inputs), 3, inputs).to(dtype);
      Tensor weight =
          Tensor.of(numbers(new SplittableRandom(2), outputs * inputs), outputs, inputs).to(dtype);
      try (RowProduct product = kernels.product(weight, 0, outputs)) {
        in.pack(x.toFloatArray());
        product.addTo(in, sums);
        sums.copyTo(y, 0, outputs, outputs);
      }
      Tensor expected = x.to(DType.F32).matmul(weight.to(DType.F32).transpose(0, 1));
      assertThat(Fixtures.relativeDifference(y, expected.toFloatArray())).isLessThan(1e-5);
    }
  }

  @Test
  void readingAheadLooksAtEachCacheLineOfAStretch() {
    try (TensorScope scope = TensorScope.open()) {
      int words = 20_000;
      long[] values = new long[words];
      for (int line = 0; line < words / 8; line++) {
        values[8 * line] = line;
      }
      ReadAhead ahead = new ReadAhead(Tensor.of(values, words));
      ahead.read(0, 8L * words);
      assertThat(ahead.seen()).isEqualTo(2499L * 2500 / 2);
      ahead.read(64 * 100, 64 * 107);
      assertThat(ahead.seen()).isEqualTo(7 * 103);
      ReadAhead small = new ReadAhead(Tensor.of(values, words).narrow(0, 8, 80));
      small.read(0, 64);
      assertThat(small.seen()).isZero();
    }
  }

  @Test
  void anInputOfAnotherLengthIsRefused() {
    assumeThat(RowKernels.of(DType.BF16, 2)).isPresent();
    RowKernels kernels = RowKernels.of(DType.BF16, 2).get();
    try (TensorScope scope = TensorScope.open();
        RowInput in = kernels.input(6);
        RowSums sums = kernels.sums(4);
        RowProduct product = kernels.product(Tensor.zeros(DType.BF16, Device.CPU, 4, 8), 0, 4)) {
      assertThatThrownBy(() -> product.addTo(in, sums))
          .hasMessage("x: expected rows of 8 numbers, found 6");
      Tensor odd = Tensor.zeros(DType.BF16, Device.CPU, 4, 7);
      assertThatThrownBy(() -> kernels.product(odd, 0, 4))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("even number of columns");
    }
  }

  private static float[] numbers(SplittableRandom random, int count) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextDouble(-1, 1);
    }
    return numbers;
  }
}
