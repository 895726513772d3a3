package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.internal.quant.QuantType;
import io.github.lora4j.internal.quant.Quantized4Bit;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** A weight of 4096 x 4096 in 4-bit codes: decoded, and multiplied with one row. */
public class QuantBenchmark extends KernelBenchmark {

  private static final long SIDE = 4096;

  /** What it is decoded to, and the dtype of the row. */
  @Param({"F32", "BF16"})
  public DType dtype = DType.F32;

  /** The code book. */
  @Param({"NF4"})
  public QuantType type = QuantType.NF4;

  /** Whether the scales are coded too. */
  @Param({"true"})
  public boolean doubleQuant = true;

  private Quantized4Bit weight;
  private Tensor target;
  private Tensor x;

  /** Codes the weight. */
  @Setup
  public void open() {
    weight = own(Quantized4Bit.quantize(random(DType.F32, SIDE, SIDE), type, 64, doubleQuant));
    target = own(Tensor.empty(dtype, Device.CPU, SIDE, SIDE));
    x = random(dtype, 1, SIDE);
  }

  /** All of it, into memory at hand. */
  @Benchmark
  public void decode() {
    double written = (double) SIDE * SIDE * dtype.byteSize();
    measure(Work.ofBytes(weight.bytes() + written), () -> weight.dequantizeInto(target));
  }

  /** One row, straight from the codes. */
  @Benchmark
  public void oneRowFromCodes() {
    row(() -> weight.matvec(x).orElseThrow());
  }

  /** One row, as it is done without a kernel for it. */
  @Benchmark
  public void oneRowAfterDecoding() {
    row(
        () -> {
          weight.dequantizeInto(target);
          Functional.linear(x, target);
        });
  }

  private void row(Runnable product) {
    measure(
        Work.ofBytes(weight.bytes()),
        () -> {
          try (TensorScope scope = TensorScope.open();
              NoGrad noGrad = NoGrad.open()) {
            product.run();
          }
        });
  }

  @Override
  DType dtype() {
    return dtype;
  }
}
