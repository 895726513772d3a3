package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.model.CausalLM;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** A frozen linear layer from 576 to 1536 features on 1024 tokens, with an adapter and bare. */
public class LoraLinearBenchmark extends KernelBenchmark {

  private static final String NAME = "up_proj";
  private static final int TOKENS = 1024;
  private static final int IN = OneBlock.HIDDEN;
  private static final int OUT = 1536;
  private static final int RANK = 16;

  /** The dtype of input and base; the adapter is float32. */
  @Param({"F32", "BF16"})
  public DType dtype = DType.F32;

  /** How it is computed. */
  @Param({"FUSED", "PLAIN"})
  public Way way = Way.FUSED;

  /** Whether there is an adapter. */
  @Param({"lora", "bare"})
  public String layer = "";

  private LinearLayer linear;
  private Tensor x;
  private Tensor dy;
  private final List<Tensor> leaves = new ArrayList<>();

  /** Makes the layer and its input. */
  @Setup
  public void open() {
    CausalLM base = own(OneBlock.open(64, OUT, dtype));
    LoraConfig config = LoraConfig.builder().r(RANK).targetModules(NAME).build();
    PeftModel<CausalLM> peft = own(PeftModel.wrap(base, config));
    linear = find(isBare() ? base : peft.model());
    x = random(dtype, 1, TOKENS, IN).requiresGrad(true);
    dy = random(dtype, 1, TOKENS, OUT);
    leaves.add(x);
    leaves.addAll(peft.trainableParameters().values());
  }

  private static LinearLayer find(CausalLM model) {
    return model.linearLayers().stream()
        .filter(found -> found.name().endsWith(NAME))
        .findFirst()
        .orElseThrow();
  }

  private boolean isBare() {
    return layer.equals("bare");
  }

  /** Without gradients. */
  @Benchmark
  public void forward() {
    Work work = product(IN, OUT);
    if (!isBare()) {
      work = work.plus(thin());
    }
    measure(work, () -> way.forward(this::apply));
  }

  /** With the gradients of the input and the adapter. */
  @Benchmark
  public void forwardAndBackward() {
    Work work = product(IN, OUT).times(2);
    if (!isBare()) {
      work = work.plus(thin().times(3));
    }
    measure(work, () -> way.forwardAndBackward(this::apply, dy, leaves));
  }

  private Tensor apply() {
    return linear.forward(x, ForwardContext.eval());
  }

  private Work product(int in, int out) {
    return Work.product(TOKENS, in, out, dtype);
  }

  /** Products with both matrices of the adapter; all else of theirs can stay in the cache. */
  private Work thin() {
    return new Work(product(IN, RANK).plus(product(RANK, OUT)).flops(), 0);
  }

  @Override
  DType dtype() {
    return dtype;
  }
}
