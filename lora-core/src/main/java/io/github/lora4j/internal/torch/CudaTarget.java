package io.github.lora4j.internal.torch;

import io.github.lora4j.error.DeviceException;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.function.IntPredicate;

/**
 * What NVRTC compiles for.
 *
 * @param capability a compute capability, such as 90 for 9.0
 * @param binary whether to machine code; else to PTX, which the driver translates
 */
record CudaTarget(int capability, boolean binary) {

  /**
   * Chooses what runs on a GPU. Machine code runs on the same major capability and needs nothing of
   * the driver; PTX also runs on later ones, if the driver isn't older than NVRTC.
   *
   * @param device the GPU's capability
   * @param supported those that NVRTC knows
   * @throws DeviceException if the GPU is older than all of them
   */
  static CudaTarget of(int device, int[] supported) {
    OptionalInt sameMajor = latest(supported, c -> c <= device && c / 10 == device / 10);
    if (sameMajor.isPresent()) {
      return new CudaTarget(sameMajor.getAsInt(), true);
    }
    return latest(supported, c -> c <= device).stream()
        .mapToObj(capability -> new CudaTarget(capability, false))
        .findFirst()
        .orElseThrow(
            () ->
                new DeviceException(
                    "This GPU's compute capability is %s, and the NVRTC that was found compiles for %s"
                            .formatted(name(device), names(supported))
                        + ": use an older CUDA or a newer GPU."));
  }

  private static OptionalInt latest(int[] supported, IntPredicate fits) {
    return Arrays.stream(supported).filter(fits).max();
  }

  private static String names(int[] capabilities) {
    return Arrays.toString(Arrays.stream(capabilities).mapToObj(CudaTarget::name).toArray());
  }

  private static String name(int capability) {
    return capability / 10 + "." + capability % 10;
  }

  /** NVRTC's option for it. */
  String option() {
    return "--gpu-architecture=" + (binary ? "sm_" : "compute_") + capability;
  }
}
