package io.github.lora4j.internal.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** All ways to the same numbers: plain Java, the Vector API, libtorch's operations. */
class KernelsTest {

  @ParameterizedTest
  @CsvSource({
    "NF4, 64, false, 96, 128",
    "NF4, 32, true, 300, 1056",
    "FP4, 128, true, 7, 51",
    "FP4, 64, false, 1, 1",
    "NF4, 4096, false, 3, 4099",
    "NF4, 64, true, 5, 64",
    "FP4, 256, false, 130, 1024"
  })
  void allWaysDecodeTheSame(QuantType type, int blocksize, boolean nested, int rows, int columns) {
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(rows);
        Quantized4Bit weight =
            Quantized4Bit.quantize(
                Tensor.normal(0, 3, generator, rows, columns), type, blocksize, nested)) {
      for (DType dtype : List.of(DType.F32, DType.BF16, DType.F16)) {
        Tensor plain = decode(weight, new PlainKernels(type, blocksize), dtype);
        Tensor composed = Tensor.empty(dtype, Device.CPU, rows, columns);
        AtenDecoder.decodeInto(weight, composed);
        assertThat(composed.equal(plain)).as("libtorch in " + dtype).isTrue();
        assertThat(decode(weight, KernelChoice.kernels(weight), dtype).equal(plain))
            .as("as chosen in " + dtype)
            .isTrue();
      }
    }
  }

  private static Tensor decode(Quantized4Bit weight, FourBitKernels kernels, DType dtype) {
    Tensor target = Tensor.empty(dtype, Device.CPU, weight.shape());
    new FourBitDecoder(weight, kernels).decodeInto(target);
    return target;
  }

  @Test
  void vectorsAreUsedWhereTheJvmHasThem() throws ReflectiveOperationException {
    assumeTrue(
        KernelChoice.vectorApiIsThere(), "needs a JVM with --add-modules jdk.incubator.vector");
    Class<?> factory = Class.forName("io.github.lora4j.internal.quant.VectorKernels$Factory");
    var vectors = (KernelChoice.Factory) factory.getDeclaredConstructor().newInstance();
    assumeTrue(vectors.suitsThisProcessor(), "needs vectors of 256 bits or more");
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(1);
        Quantized4Bit weight =
            Quantized4Bit.quantize(
                Tensor.normal(0, 1, generator, 8, 64), QuantType.NF4, 64, false)) {
      assertThat(KernelChoice.kernels(weight)).isNotInstanceOf(PlainKernels.class);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "NF4, 64, false, 96, 128, 1",
    "NF4, 64, true, 256, 1024, 2",
    "FP4, 32, true, 301, 96, 3",
    "NF4, 128, false, 1, 128, 4"
  })
  void fewRowsAreMultipliedAsWithTheDecodedWeight(
      QuantType type, int blocksize, boolean nested, int out, int in, int rows) {
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(out);
        Quantized4Bit weight =
            Quantized4Bit.quantize(
                Tensor.normal(0, 1, generator, out, in), type, blocksize, nested)) {
      Tensor x = Tensor.normal(0, 1, generator, 1, rows, in);
      Tensor expected = Functional.linear(x, weight.dequantize(DType.F32));
      double scale = expected.abs().max().item();
      for (FourBitKernels kernels :
          List.of(new PlainKernels(type, blocksize), KernelChoice.kernels(weight))) {
        Tensor y = FewRows4Bit.multiply(weight, x, kernels);
        assertThat(y.shape()).isEqualTo(new long[] {1, rows, out});
        assertThat(y.add(expected, -1).abs().max().item()).isLessThan(1e-5 * scale);
        Tensor half = FewRows4Bit.multiply(weight, x.to(DType.BF16), kernels);
        assertThat(half.dtype()).isEqualTo(DType.BF16);
        assertThat(half.to(DType.F32).add(expected, -1).abs().max().item())
            .isLessThan(1e-2 * scale);
      }
    }
  }

  @Test
  void onlyWhatIsMadeForIsMultiplied() {
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(3);
        Quantized4Bit weight =
            Quantized4Bit.quantize(
                Tensor.normal(0, 1, generator, 6, 128), QuantType.NF4, 64, false);
        Quantized4Bit uneven =
            Quantized4Bit.quantize(
                Tensor.normal(0, 1, generator, 6, 96), QuantType.NF4, 64, false)) {
      assertThat(weight.matvec(Tensor.normal(0, 1, generator, 1, 128))).isPresent();
      assertThat(weight.matvec(Tensor.normal(0, 1, generator, 5, 128))).isEmpty();
      assertThat(weight.matvec(Tensor.normal(0, 1, generator, 1, 64))).isEmpty();
      assertThat(weight.matvec(Tensor.zeros(DType.I64, Device.CPU, 1, 128))).isEmpty();
      assertThat(uneven.matvec(Tensor.normal(0, 1, generator, 1, 96))).isEmpty();
    }
  }
}
