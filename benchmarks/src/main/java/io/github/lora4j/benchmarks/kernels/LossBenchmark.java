package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.data.Batch;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.RmsNorm;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/**
 * The loss of 1020 predicted tokens among 49,152 from hidden states of 576 features, and back to
 * them. Under it lies a block with a narrow MLP, some 2% of the work, that only goes back to the
 * last of its layers.
 */
public class LossBenchmark extends KernelBenchmark {

  private static final int VOCABULARY = 49_152;
  private static final int ROWS = 4;
  private static final int LENGTH = 256;
  private static final int PREDICTED = ROWS * (LENGTH - 1);
  private static final int NARROW = 64;

  /** The dtype of hidden states and head. */
  @Param({"F32", "BF16"})
  public DType dtype = DType.F32;

  /**
   * In chunks with the gradient written by hand; in chunks with libtorch's; or all scores at once
   * with libtorch's and no block under it.
   */
  @Param({"fused", "plain", "whole"})
  public String how = "";

  private CausalLM base;
  private PeftModel<CausalLM> peft;
  private Batch batch;
  private RmsNorm norm;
  private Tensor hidden;
  private Tensor targets;

  /** Makes a model, a batch in which every token is learnt, and hidden states. */
  @Setup
  public void open() {
    base = own(OneBlock.open(VOCABULARY, NARROW, dtype));
    LoraConfig config = LoraConfig.builder().r(8).targetModules("down_proj").build();
    peft = own(PeftModel.wrap(base, config));
    int[] ids = new SplittableRandom(1).ints(ROWS * LENGTH, 0, VOCABULARY).toArray();
    int[] mask = new int[ids.length];
    Arrays.fill(mask, 1);
    batch = new Batch(ROWS, LENGTH, ids, mask, ids);
    norm = own(new RmsNorm("norm", random(dtype, OneBlock.HIDDEN), 1e-5));
    hidden = random(dtype, PREDICTED, OneBlock.HIDDEN).requiresGrad(true);
    long[] labels = Arrays.stream(ids).limit(PREDICTED).mapToLong(id -> id).toArray();
    targets = own(Tensor.of(labels, PREDICTED));
  }

  /** Loss and gradients. */
  @Benchmark
  public void lossAndBackward() {
    // Scores from hidden states, and the hidden states' gradient from theirs. Scores need not leave
    // the cache.
    Work product = Work.product(PREDICTED, OneBlock.HIDDEN, VOCABULARY, dtype);
    double table = (double) OneBlock.HIDDEN * VOCABULARY * dtype.byteSize();
    measure(
        new Work(2 * product.flops(), 2 * table),
        how.equals("whole") ? this::whole : this::chunked);
  }

  private void chunked() {
    ForwardContext context = ForwardContext.eval().plain(how.equals("plain"));
    peft.lossAndBackward(batch, 1.0 / PREDICTED, context);
    peft.trainableParameters().values().forEach(Tensor::clearGrad);
  }

  private void whole() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor table = base.parameters().get("model.embed_tokens.weight");
      Tensor scores = Functional.linear(norm.forward(hidden), table).to(DType.F32);
      Tensor loss = Functional.crossEntropySum(scores, targets, -100, 0).mul(1.0 / PREDICTED);
      Functional.backward(loss);
    }
    hidden.clearGrad();
  }

  @Override
  DType dtype() {
    return dtype;
  }
}
