package io.github.lora4j.internal.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernel on a GPU: the bits of libtorch's operations there, and those of the CPU's loops. */
@Tag("gpu")
class CudaDecoderGpuTest {

  /** All types and blocks; the last block is full, short, or the only one. */
  static Stream<Arguments> weights() {
    Stream.Builder<Arguments> all = Stream.builder();
    for (QuantType type : QuantType.values()) {
      for (int blocksize = 32; blocksize <= 4096; blocksize *= 2) {
        for (boolean nested : new boolean[] {false, true}) {
          all.add(Arguments.of(type, blocksize, nested, 300, 1024));
          all.add(Arguments.of(type, blocksize, nested, 301, 1027));
          all.add(Arguments.of(type, blocksize, nested, 1, 17));
        }
      }
    }
    return all.build();
  }

  @ParameterizedTest
  @MethodSource("weights")
  void theKernelMakesTheBitsOfLibtorchAndOfTheCpu(
      QuantType type, int blocksize, boolean nested, int rows, int columns) {
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(blocksize);
        Quantized4Bit host =
            Quantized4Bit.quantize(
                Tensor.normal(0, 3, generator, rows, columns), type, blocksize, nested);
        Quantized4Bit weight = host.to(Device.cuda(0))) {
      for (DType dtype : CudaDecoderTest.DTYPES) {
        Tensor kernel = Tensor.empty(dtype, weight.device(), rows, columns);
        GpuDecoding.KERNEL.decodeInto(weight, kernel);
        Tensor aten = Tensor.empty(dtype, weight.device(), rows, columns);
        GpuDecoding.ATEN.decodeInto(weight, aten);
        Tensor expected = host.dequantize(dtype);
        CudaDecoderTest.same(kernel, expected);
        CudaDecoderTest.same(aten, expected);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(QuantType.class)
  void itRoundsAsTheCpuDoes(QuantType type) {
    try (TensorScope scope = TensorScope.open();
        Quantized4Bit host = CudaDecoderTest.withScalesOfAllSizes(type, 20_000);
        Quantized4Bit weight = host.to(Device.cuda(0))) {
      for (DType dtype : CudaDecoderTest.DTYPES) {
        CudaDecoderTest.same(weight.dequantize(dtype), host.dequantize(dtype));
      }
    }
  }

  @Test
  void aTargetInTheMiddleOfOtherMemoryIsWrittenAlone() {
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(6);
        Quantized4Bit host =
            Quantized4Bit.quantize(Tensor.normal(0, 1, generator, 101), QuantType.NF4, 32, false);
        Quantized4Bit weight = host.to(Device.cuda(0))) {
      for (DType dtype : CudaDecoderTest.DTYPES) {
        Tensor memory = Tensor.full(7, dtype, weight.device(), 200);
        weight.dequantizeInto(memory.narrow(0, 3, 101));
        Tensor expected = Tensor.full(7, dtype, Device.CPU, 200);
        expected.narrow(0, 3, 101).copyInPlace(host.dequantize(dtype));
        CudaDecoderTest.same(memory, expected);
      }
    }
  }

  /** Weights that are quantized where they lie, and threads that never used CUDA before. */
  @Test
  void severalThreadsDecodeAtTheSameTime() throws InterruptedException {
    List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      int seed = i;
      threads.add(
          new Thread(
              () -> {
                try (TensorScope scope = TensorScope.open();
                    Generator generator = Generator.of(seed);
                    Quantized4Bit weight =
                        Quantized4Bit.quantize(
                            Tensor.normal(0, 1, generator, 512, 512).to(Device.cuda(0)),
                            QuantType.NF4,
                            64,
                            true);
                    Quantized4Bit host = weight.to(Device.CPU)) {
                  Tensor expected = host.dequantize(DType.BF16);
                  for (int round = 0; round < 50; round++) {
                    try (TensorScope inner = TensorScope.open()) {
                      CudaDecoderTest.same(weight.dequantize(DType.BF16), expected);
                    }
                  }
                } catch (RuntimeException | Error e) {
                  failures.add(e);
                }
              }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(failures).isEmpty();
  }

  @Test
  void rowsIn8BitsAreDecodedToTheBitsOfTheCpu() {
    float[] values = new float[130 * 67];
    Random random = new Random(8);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    try (TensorScope scope = TensorScope.open();
        Int8Rows host = Int8Rows.quantize(Tensor.of(values, 130, 67));
        Int8Rows rows = Int8Rows.quantize(Tensor.of(values, 130, 67).to(Device.cuda(0)))) {
      assertThat(rows.device()).isEqualTo(Device.cuda(0));
      for (DType dtype : Arrays.asList(DType.F32, DType.BF16, DType.F16)) {
        CudaDecoderTest.same(rows.dequantize(dtype), host.dequantize(dtype));
      }
    }
  }
}
