package io.github.lora4j.internal.quant;

import io.github.lora4j.error.DeviceException;
import io.github.lora4j.tensor.Tensor;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How 4-bit codes on a GPU are decoded. Both give the same bits. */
enum GpuDecoding {
  /** By a kernel that is compiled at run time. */
  KERNEL {
    @Override
    void decodeInto(Quantized4Bit weight, Tensor target) {
      try {
        CudaDecoder.decodeInto(weight, target);
      } catch (DeviceException e) {
        throw withTheOtherWay(e);
      }
    }
  },
  /** By libtorch's own operations. */
  ATEN {
    @Override
    void decodeInto(Quantized4Bit weight, Tensor target) {
      AtenDecoder.decodeInto(weight, target);
    }
  };

  /** The system property that chooses: {@code kernel}, which is the default, or {@code aten}. */
  static final String PROPERTY = "io.github.lora4j.gpuDecoding";

  /**
   * Decodes everything.
   *
   * @param target F32, BF16 or F16, as many elements, contiguous, on the same GPU
   */
  abstract void decodeInto(Quantized4Bit weight, Tensor target);

  /**
   * What the property says.
   *
   * @throws IllegalArgumentException if it says something else
   */
  static GpuDecoding chosen() {
    String value = System.getProperty(PROPERTY, KERNEL.propertyValue());
    return Arrays.stream(values())
        .filter(how -> how.propertyValue().equals(value))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "-D%s: expected %s, found %s".formatted(PROPERTY, known(), value)));
  }

  /** The error, with what can be done where CUDA isn't complete. */
  static DeviceException withTheOtherWay(DeviceException kernel) {
    return new DeviceException(
        kernel.getMessage()
            + " Or start the JVM with -D%s=%s: libtorch's own operations decode, too, but slower."
                .formatted(PROPERTY, ATEN.propertyValue()),
        kernel);
  }

  private static String known() {
    return Arrays.stream(values())
        .map(GpuDecoding::propertyValue)
        .collect(Collectors.joining(" or "));
  }

  private String propertyValue() {
    return name().toLowerCase(Locale.ROOT);
  }
}
