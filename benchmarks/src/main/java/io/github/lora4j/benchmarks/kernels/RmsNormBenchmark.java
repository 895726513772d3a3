package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.nn.RmsNorm;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** Root-mean-square normalisation of 1024 tokens of 576 features. */
public class RmsNormBenchmark extends KernelBenchmark {

  private static final long TOKENS = 1024;
  private static final long HIDDEN = 576;

  /** The dtype of input and weight. */
  @Param({"F32", "BF16"})
  public DType dtype = DType.F32;

  /** How it is computed. */
  @Param({"FUSED", "PLAIN"})
  public Way way = Way.FUSED;

  private RmsNorm norm;
  private Tensor x;
  private Tensor dy;

  /** Makes the layer and its input. */
  @Setup
  public void open() {
    norm = own(new RmsNorm("norm", random(dtype, HIDDEN), 1e-5));
    x = random(dtype, 1, TOKENS, HIDDEN).requiresGrad(true);
    dy = random(dtype, 1, TOKENS, HIDDEN);
  }

  /** Without gradients. */
  @Benchmark
  public void forward() {
    measure(passes(2), () -> way.forward(() -> norm.forward(x)));
  }

  /** With the gradient of the input. */
  @Benchmark
  public void forwardAndBackward() {
    // There and back the input is read; the result and the input's gradient are written.
    measure(passes(5), () -> way.forwardAndBackward(() -> norm.forward(x), dy, List.of(x)));
  }

  private Work passes(int count) {
    return Work.ofBytes((double) count * TOKENS * HIDDEN * dtype.byteSize());
  }

  @Override
  DType dtype() {
    return dtype;
  }
}
