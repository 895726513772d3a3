package io.github.lora4j.internal.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.lora4j.error.DeviceException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CudaTargetTest {

  // What NVRTC 13 knows, in no particular order.
  private static final int[] SUPPORTED = {90, 75, 80, 86, 89, 100, 103, 120};

  @ParameterizedTest
  @CsvSource({
    "75, sm_75",
    "86, sm_86",
    "87, sm_86",
    "90, sm_90",
    "101, sm_100",
    "121, sm_120",
    "110, compute_103",
    "130, compute_120"
  })
  void theSameMajorCapabilityTakesMachineCodeALaterOnePtx(int device, String architecture) {
    assertThat(CudaTarget.of(device, SUPPORTED).option())
        .isEqualTo("--gpu-architecture=" + architecture);
  }

  @Test
  void aGpuOlderThanTheCompilerKnowsIsRefused() {
    assertThatExceptionOfType(DeviceException.class)
        .isThrownBy(() -> CudaTarget.of(70, SUPPORTED))
        .withMessageContainingAll("7.0", "7.5", "12.0");
  }
}
