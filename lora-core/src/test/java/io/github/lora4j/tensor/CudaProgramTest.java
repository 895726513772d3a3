package io.github.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.lora4j.error.DeviceException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CudaProgramTest {

  private static final Device GPU = new Device(Device.Kind.CUDA, 0);

  private static final CudaProgram SCALE =
      CudaProgram.of(
          "scale.cu",
          """
          struct Two { float a, b; };
          extern "C" __global__ void scale(float* x, float by, Two and_by, int from, long long n) {
            long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
            if (i >= from && i < n) x[i] *= by * and_by.a * and_by.b;
          }
          """);

  @Test
  void argumentsAreLaidOutAsInMemory() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor x = Tensor.of(new float[] {1, 2}, 2);
      List<byte[]> bytes =
          new CudaArguments()
              .add(x)
              .addNull()
              .add(-2)
              .add(0.5f)
              .add(1L << 40)
              .add(new float[] {1, 2, 3})
              .bytes();
      assertThat(bytes).extracting(b -> b.length).containsExactly(8, 8, 4, 4, 8, 12);
      assertThat(read(bytes.get(0)).getLong()).isEqualTo(x.address());
      assertThat(read(bytes.get(1)).getLong()).isZero();
      assertThat(read(bytes.get(2)).getInt()).isEqualTo(-2);
      assertThat(read(bytes.get(3)).getFloat()).isEqualTo(0.5f);
      assertThat(read(bytes.get(4)).getLong()).isEqualTo(1L << 40);
      assertThat(read(bytes.get(5)).getFloat(8)).isEqualTo(3f);
    }
  }

  private static ByteBuffer read(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
  }

  @Test
  void tensorsMustBeContiguousAndOnTheGpu() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor x = Tensor.zeros(DType.F32, Device.CPU, 2, 3);
      CudaArguments host = new CudaArguments().add(x);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> SCALE.run("scale", GPU, 1, 32, host))
          .withMessageContainingAll("cuda:0", "F32[2, 3] on cpu");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new CudaArguments().add(1).add(x.transpose(0, 1)))
          .withMessageContainingAll("argument 1", "contiguous");
    }
  }

  @Test
  void theCpuRunsNoKernels() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SCALE.run("scale", Device.CPU, 1, 32, new CudaArguments()))
        .withMessageContainingAll("GPU", "cpu");
  }

  @ParameterizedTest
  @CsvSource({"0, 32", "-1, 32", "2147483648, 32", "1, 0", "1, 1025"})
  void gridsHaveLimits(long blocks, int threads) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SCALE.run("scale", GPU, blocks, threads, new CudaArguments()))
        .withMessageContainingAll("scale", "" + blocks, "" + threads);
  }

  @Test
  void aProgramHasANameAndASource() {
    assertThatIllegalArgumentException().isThrownBy(() -> CudaProgram.of(" ", "x"));
    assertThatIllegalArgumentException().isThrownBy(() -> CudaProgram.of("x", ""));
  }

  @Test
  void withoutCudaTheErrorNamesTheDependency() {
    assumeTrue(Device.auto().equals(Device.CPU), "this machine has a GPU");
    List<String> messages = new ArrayList<>();
    for (int attempt = 0; attempt < 2; attempt++) {
      assertThatExceptionOfType(DeviceException.class)
          .isThrownBy(() -> SCALE.run("scale", GPU, 1, 32, new CudaArguments()))
          .satisfies(e -> messages.add(e.getMessage()))
          .withMessageContainingAll("scale.cu", "cuda:0", CudaProgram.PRESETS, "linux-x86_64");
    }
    assertThat(messages.get(1)).isEqualTo(messages.get(0));
  }

  @Test
  void theDependencyIsTheOneThatWasCompiledAgainst() throws IOException {
    assertThat(CudaProgram.PRESETS)
        .isEqualTo("org.bytedeco:cuda:" + Loader.getVersion("org.bytedeco", "cuda"));
  }

  @Test
  @Tag("gpu")
  void aKernelIsCompiledAndRuns() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor x = Tensor.of(new float[] {1, 2, 3, 4}, 4).to(Device.cuda(0));
      for (int call = 0; call < 2; call++) {
        CudaArguments arguments =
            new CudaArguments().add(x).add(2f).add(new float[] {3, 0.5f}).add(1).add(3L);
        SCALE.run("scale", x.device(), 1, 32, arguments);
      }
      assertThat(x.toFloatArray()).containsExactly(1, 18, 27, 4);
    }
  }

  @Test
  @Tag("gpu")
  void anErrorInTheSourceIsShownAsTheCompilerSaysIt() {
    CudaProgram wrong = CudaProgram.of("wrong.cu", "extern \"C\" __global__ void k() { x = 1; }");
    assertThatExceptionOfType(DeviceException.class)
        .isThrownBy(() -> wrong.run("k", Device.cuda(0), 1, 1, new CudaArguments()))
        .withMessageContainingAll("wrong.cu", "\"x\" is undefined");
  }

  @Test
  @Tag("gpu")
  void aKernelThatIsNotInTheSourceIsNamed() {
    assertThatExceptionOfType(DeviceException.class)
        .isThrownBy(() -> SCALE.run("shift", Device.cuda(0), 1, 1, new CudaArguments()))
        .withMessageContainingAll("shift", "CUDA_ERROR_NOT_FOUND");
  }
}
