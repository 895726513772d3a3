package io.github.lora4j.internal.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.lora4j.error.DeviceException;
import io.github.lora4j.tensor.CudaArguments;
import io.github.lora4j.tensor.Device;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GpuDecodingTest {

  @AfterEach
  void clear() {
    System.clearProperty(GpuDecoding.PROPERTY);
  }

  @Test
  void theKernelIsTheDefaultAndThePropertyChooses() {
    assertThat(GpuDecoding.chosen()).isEqualTo(GpuDecoding.KERNEL);
    System.setProperty(GpuDecoding.PROPERTY, "aten");
    assertThat(GpuDecoding.chosen()).isEqualTo(GpuDecoding.ATEN);
    System.setProperty(GpuDecoding.PROPERTY, "kernel");
    assertThat(GpuDecoding.chosen()).isEqualTo(GpuDecoding.KERNEL);
  }

  @Test
  void whatThePropertyCantBeIsRefused() {
    System.setProperty(GpuDecoding.PROPERTY, "fast");
    assertThatIllegalArgumentException()
        .isThrownBy(GpuDecoding::chosen)
        .withMessage("-Dio.github.lora4j.gpuDecoding: expected kernel or aten, found fast");
  }

  /** This module's class path is that of a user of the CPU: nothing of CUDA is on it. */
  @Test
  void withoutCudaTheErrorNamesTheDependencyAndTheOtherWay() {
    assumeTrue(Device.auto().equals(Device.CPU), "this machine has a GPU");
    DeviceException missing =
        catchThrowableOfType(
            DeviceException.class,
            () ->
                CudaDecoder.PROGRAM.run(
                    "dequantize_4bit_f32",
                    new Device(Device.Kind.CUDA, 0),
                    1,
                    32,
                    new CudaArguments()));
    assertThat(missing).hasMessageContainingAll("dequantize_4bit.cu", "org.bytedeco:cuda:");
    assertThat(GpuDecoding.withTheOtherWay(missing))
        .hasMessageContainingAll("org.bytedeco:cuda:", "-Dio.github.lora4j.gpuDecoding=aten")
        .hasCause(missing);
  }
}
