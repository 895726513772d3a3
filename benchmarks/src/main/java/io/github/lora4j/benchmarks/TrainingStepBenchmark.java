package io.github.lora4j.benchmarks;

import io.github.lora4j.data.Batch;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Forward and backward of one LoRA step on a model of SmolLM-135M's shape, 1024 tokens a call. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 10)
@Measurement(iterations = 5, time = 10)
@Fork(1)
public class TrainingStepBenchmark {

  private static final int ROWS = 4;
  private static final int LENGTH = 256;
  private static final String SMOL =
      """
      {"model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536,
       "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
       "max_position_embeddings": 2048, "tie_word_embeddings": true}
      """;

  /** Which layers carry the adapter: comma-separated names or all-linear. */
  @Param({"q_proj,v_proj", "all-linear"})
  public String targets = "";

  /** Whether blocks are recomputed in the backward pass. */
  @Param({"false", "true"})
  public boolean gradientCheckpointing;

  private CausalLM base;
  private PeftModel<CausalLM> peft;
  private Generator dropout;
  private Batch batch;

  /** Makes a random model and a batch in which every token is learnt. */
  @Setup
  public void open() {
    base = AutoModelForCausalLM.fromConfig(ModelConfig.of(SMOL, "SmolLM-135M"), 1, Device.auto());
    peft =
        PeftModel.wrap(base, LoraConfig.builder().r(8).targetModules(targets.split(",")).build());
    dropout = Generator.of(1);
    int[] ids = new SplittableRandom(1).ints(ROWS * LENGTH, 0, 49152).toArray();
    int[] mask = new int[ids.length];
    Arrays.fill(mask, 1);
    batch = new Batch(ROWS, LENGTH, ids, mask, ids);
  }

  /** One micro-step. */
  @Benchmark
  public double lossAndBackward() {
    ForwardContext context =
        ForwardContext.training(dropout).gradientCheckpointing(gradientCheckpointing);
    double loss = peft.lossAndBackward(batch, 1.0 / batch.supervisedTokens(), context);
    peft.trainableParameters().values().forEach(parameter -> parameter.clearGrad());
    return loss;
  }

  /** Frees model and adapter. */
  @TearDown
  public void close() {
    peft.close();
    base.close();
    dropout.close();
  }
}
