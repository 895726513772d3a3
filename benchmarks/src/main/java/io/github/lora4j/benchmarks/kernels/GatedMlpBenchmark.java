package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.nn.Activation;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.GatedMlp;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** The frozen gated MLP on 1024 tokens, 576 to 1536 features and back. */
public class GatedMlpBenchmark extends KernelBenchmark {

  private static final long TOKENS = 1024;
  private static final long HIDDEN = 576;
  private static final long INTERMEDIATE = 1536;

  /** The dtype of input and weights. */
  @Param({"F32", "BF16"})
  public DType dtype = DType.F32;

  /** How it is computed. */
  @Param({"FUSED", "PLAIN"})
  public Way way = Way.FUSED;

  private GatedMlp mlp;
  private Tensor x;
  private Tensor dy;

  /** Makes the layers and their input. */
  @Setup
  public void open() {
    mlp =
        new GatedMlp(
            linear("gate_proj", INTERMEDIATE, HIDDEN),
            linear("up_proj", INTERMEDIATE, HIDDEN),
            linear("down_proj", HIDDEN, INTERMEDIATE),
            Activation.SILU);
    x = random(dtype, 1, TOKENS, HIDDEN).requiresGrad(true);
    dy = random(dtype, 1, TOKENS, HIDDEN);
  }

  private DenseLinear linear(String name, long out, long in) {
    return own(new DenseLinear(name, random(dtype, out, in), Optional.empty()));
  }

  /** Without gradients. */
  @Benchmark
  public void forward() {
    measure(products(3), () -> way.forward(this::apply));
  }

  /** With the gradient of the input. */
  @Benchmark
  public void forwardAndBackward() {
    measure(products(6), () -> way.forwardAndBackward(this::apply, dy, List.of(x)));
  }

  private Tensor apply() {
    return mlp.forward(x, ForwardContext.eval());
  }

  private Work products(int count) {
    return Work.product(TOKENS, HIDDEN, INTERMEDIATE, dtype).times(count);
  }

  @Override
  DType dtype() {
    return dtype;
  }
}
