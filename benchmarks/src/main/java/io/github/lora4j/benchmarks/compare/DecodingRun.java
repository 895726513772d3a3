package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.internal.quant.QuantType;
import io.github.lora4j.internal.quant.Quantized4Bit;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.EnumMap;
import java.util.Map;

/** A weight in 4 bits decoded into memory at hand, as the layers do it. */
final class DecodingRun {

  private static final int BLOCKSIZE = 64;

  private DecodingRun() {}

  static Map<Metric, Double> measure(Task task) {
    Map<Metric, Double> measured = new EnumMap<>(Metric.class);
    measured.put(Metric.DECODE_F32_GB_PER_S, gbPerS(task, DType.F32));
    measured.put(Metric.DECODE_BF16_GB_PER_S, gbPerS(task, DType.BF16));
    measured.put(Metric.COPY_GB_PER_S, LimitsRun.copyGbPerS(task));
    return measured;
  }

  private static double gbPerS(Task task, DType dtype) {
    long n = task.length();
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(1)) {
      Tensor dense = Tensor.uniform(-1, 1, generator, n, n).to(dtype);
      Tensor target = Tensor.empty(dtype, Device.CPU, n, n);
      try (Quantized4Bit weight = Quantized4Bit.quantize(dense, QuantType.NF4, BLOCKSIZE, true)) {
        double bytes = weight.bytes() + (double) n * n * dtype.byteSize();
        Runnable decode = () -> weight.dequantizeInto(target);
        return bytes / 1e6 / Timing.medianMs(task.warmup(), task.steps(), decode);
      }
    }
  }
}
