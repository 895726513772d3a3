package io.github.lora4j.internal.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The kernel for GPUs without a GPU: its source, compiled for the host and called with the
 * arguments that a GPU would get, makes the bits of the CPU's loops. {@link CudaDecoderGpuTest}
 * does the same on a GPU.
 */
class CudaDecoderTest {

  static final List<DType> DTYPES = List.of(DType.F32, DType.BF16, DType.F16);

  @TempDir static Path folder;

  private static HostCuda host;

  @BeforeAll
  static void compile() {
    host =
        HostCuda.compile(
            CudaDecoder.PROGRAM.source(),
            DTYPES.stream().map(CudaDecoder::kernel).toList(),
            folder);
  }

  @AfterAll
  static void close() {
    if (host != null) {
      host.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "NF4, 64, false, 96, 128",
    "NF4, 32, true, 300, 1056",
    "FP4, 128, true, 7, 51",
    "FP4, 64, false, 1, 1",
    "NF4, 4096, false, 3, 4099",
    "NF4, 4096, true, 40, 4100",
    "NF4, 64, true, 5, 64",
    "FP4, 256, false, 130, 1024",
    "FP4, 32, true, 1, 31",
    "NF4, 512, false, 1, 9"
  })
  void theSourceMakesTheBitsOfTheCpu(
      QuantType type, int blocksize, boolean nested, int rows, int columns) {
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(rows);
        Quantized4Bit weight =
            Quantized4Bit.quantize(
                Tensor.normal(0, 3, generator, rows, columns), type, blocksize, nested)) {
      for (DType dtype : DTYPES) {
        Tensor target = Tensor.empty(dtype, Device.CPU, rows, columns);
        decode(weight, target, CudaDecoder.blocks(weight.numel(), dtype), 256);
        same(target, weight.dequantize(dtype));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(QuantType.class)
  void itRoundsAsTheCpuDoes(QuantType type) {
    int blocks = 20_000;
    try (TensorScope scope = TensorScope.open();
        Quantized4Bit weight = withScalesOfAllSizes(type, blocks)) {
      for (DType dtype : DTYPES) {
        Tensor target = Tensor.empty(dtype, Device.CPU, blocks, 32);
        decode(weight, target, CudaDecoder.blocks(weight.numel(), dtype), 256);
        same(target, weight.dequantize(dtype));
      }
    }
  }

  /** Values of all exponents, which are rounded to zero and to infinity, too. */
  static Quantized4Bit withScalesOfAllSizes(QuantType type, int blocks) {
    Random random = new Random(4);
    float[] scales = new float[blocks];
    byte[] codes = new byte[16 * blocks];
    for (int i = 0; i < blocks; i++) {
      float scale = Float.intBitsToFloat(random.nextInt());
      scales[i] = Float.isFinite(scale) ? scale : i;
    }
    random.nextBytes(codes);
    return Quantized4Bit.of(
        Tensor.ofBytes(codes, codes.length, 1),
        new long[] {blocks, 32},
        DType.F32,
        type,
        32,
        Tensor.of(scales, blocks),
        Optional.empty());
  }

  @Test
  void aScaleThatIsNoNumberMakesNumbersThatAreNone() {
    // The bits of what a GPU multiplies by such a scale: none of them may carry over into a zero.
    float[] scales = {
      Float.intBitsToFloat(0x7fffffff), Float.intBitsToFloat(0xffffffff), Float.NaN
    };
    try (TensorScope scope = TensorScope.open();
        Quantized4Bit weight =
            Quantized4Bit.of(
                Tensor.zeros(DType.U8, Device.CPU, 48, 1),
                new long[] {3, 32},
                DType.F32,
                QuantType.NF4,
                32,
                Tensor.of(scales, 3),
                Optional.empty())) {
      for (DType dtype : DTYPES) {
        Tensor target = Tensor.empty(dtype, Device.CPU, 96);
        decode(weight, target, 1, 32);
        assertThat(target.toFloatArray()).containsOnly(Float.NaN);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 16", "1, 256", "3, 32", "1000, 64"})
  void anyGridReachesAllElements(long blocks, int threads) {
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(5);
        Quantized4Bit weight =
            Quantized4Bit.quantize(
                Tensor.normal(0, 1, generator, 77, 131), QuantType.NF4, 64, true)) {
      for (DType dtype : DTYPES) {
        Tensor target = Tensor.zeros(dtype, Device.CPU, 77, 131);
        decode(weight, target, blocks, threads);
        same(target, weight.dequantize(dtype));
      }
    }
  }

  /** Wide stores need aligned memory, and nothing beyond the last element may change. */
  @ParameterizedTest
  @CsvSource({"0, 64", "1, 64", "3, 65", "4, 63", "8, 1"})
  void aTargetInTheMiddleOfOtherMemoryIsWrittenAlone(int before, int count) {
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(6);
        Quantized4Bit weight =
            Quantized4Bit.quantize(
                Tensor.normal(0, 1, generator, count), QuantType.FP4, 32, false)) {
      for (DType dtype : DTYPES) {
        Tensor memory = Tensor.full(7, dtype, Device.CPU, before + count + 9);
        decode(weight, memory.narrow(0, before, count), 1, 32);
        Tensor expected = Tensor.full(7, dtype, Device.CPU, before + count + 9);
        expected.narrow(0, before, count).copyInPlace(weight.dequantize(dtype));
        same(memory, expected);
      }
    }
  }

  @Test
  void codesInTheMiddleOfOtherMemoryAreRead() {
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(7);
        Quantized4Bit aligned =
            Quantized4Bit.quantize(
                Tensor.normal(0, 1, generator, 4, 96), QuantType.NF4, 64, true)) {
      Tensor memory = Tensor.zeros(DType.U8, Device.CPU, 3 + 192);
      memory.narrow(0, 3, 192).copyInPlace(aligned.codes().view(192));
      try (Quantized4Bit weight =
          Quantized4Bit.of(
              memory.narrow(0, 3, 192).view(192, 1),
              aligned.shape(),
              aligned.dtype(),
              aligned.type(),
              aligned.blocksize(),
              aligned.absmax().alias(),
              aligned
                  .nested()
                  .map(
                      n ->
                          new Quantized4Bit.Nested(
                              n.absmax().alias(),
                              n.codeMap().alias(),
                              n.offset(),
                              n.blocksize())))) {
        for (DType dtype : DTYPES) {
          Tensor target = Tensor.empty(dtype, Device.CPU, 4, 96);
          decode(weight, target, 1, 64);
          same(target, aligned.dequantize(dtype));
        }
      }
    }
  }

  @Test
  void aBlockOfThreadsForEachSixteenKilobytes() {
    assertThat(CudaDecoder.blocks(1, DType.F32)).isEqualTo(1);
    assertThat(CudaDecoder.blocks(4096, DType.F32)).isEqualTo(1);
    assertThat(CudaDecoder.blocks(4097, DType.F32)).isEqualTo(2);
    assertThat(CudaDecoder.blocks(8192, DType.BF16)).isEqualTo(1);
    assertThat(CudaDecoder.blocks(5L << 32, DType.F16)).isEqualTo(5L << 19);
  }

  @Test
  void otherDTypesHaveNoKernel() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CudaDecoder.kernel(DType.I64))
        .withMessageContaining("I64");
  }

  private static void decode(Quantized4Bit weight, Tensor target, long blocks, int threads) {
    host.run(
        CudaDecoder.kernel(target.dtype()), blocks, threads, CudaDecoder.arguments(weight, target));
  }

  /** Bits, so that zeros of both signs differ. */
  static void same(Tensor actual, Tensor expected) {
    assertThat(actual.dtype()).isEqualTo(expected.dtype());
    assertThat(Arrays.mismatch(bits(actual), bits(expected)))
        .as("the first byte in which %s differ", actual)
        .isNegative();
  }

  private static byte[] bits(Tensor tensor) {
    byte[] bytes = new byte[(int) (tensor.numel() * tensor.dtype().byteSize())];
    tensor.to(Device.CPU).copyBytesTo(0, bytes, bytes.length);
    return bytes;
  }
}
