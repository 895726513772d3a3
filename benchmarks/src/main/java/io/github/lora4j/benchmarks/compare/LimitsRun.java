package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.EnumMap;
import java.util.Map;

/** What bare products and copies reach through the library's own tensors. */
final class LimitsRun {

  private static final int COPIED_BYTES = 256 << 20;

  private LimitsRun() {}

  static Map<Metric, Double> measure(Task task) {
    Map<Metric, Double> measured = new EnumMap<>(Metric.class);
    measured.put(Metric.F32_GFLOPS, gflops(task, DType.F32));
    measured.put(Metric.BF16_GFLOPS, gflops(task, DType.BF16));
    measured.put(Metric.COPY_GB_PER_S, copyGbPerS(task));
    return measured;
  }

  private static double gflops(Task task, DType dtype) {
    long n = task.length();
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(1)) {
      Tensor a = Tensor.uniform(-1, 1, generator, n, n).to(dtype);
      Tensor b = Tensor.uniform(-1, 1, generator, n, n).to(dtype);
      return 2.0 * n * n * n / 1e6 / median(task, () -> a.matmul(b));
    }
  }

  /** Bytes read and written by a copy, in 10^9 a second. */
  static double copyGbPerS(Task task) {
    long numbers = COPIED_BYTES / DType.F32.byteSize();
    try (TensorScope scope = TensorScope.open()) {
      Tensor from = Tensor.full(1, DType.F32, Device.CPU, numbers);
      Tensor to = Tensor.full(0, DType.F32, Device.CPU, numbers);
      return 2.0 * COPIED_BYTES / 1e6 / median(task, () -> to.copyInPlace(from));
    }
  }

  private static double median(Task task, Runnable work) {
    return Timing.medianMs(
        task.warmup(),
        task.steps(),
        () -> {
          try (TensorScope scope = TensorScope.open()) {
            work.run();
          }
        });
  }
}
